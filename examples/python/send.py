"""Sends one text and shows the latest chats, with a client that is generated from Colmeia's own document."""

import os
import sys

from colmeia_client import Client
from colmeia_client.api.chats import chats_get_chats
from colmeia_client.api.chatting import chatting_send_text
from colmeia_client.models import ChattingSendTextBody, Error

session, chat, text = (sys.argv[1:] + ["1", "5511988887777", "oi"][len(sys.argv) - 1 :])[:3]
key = os.environ.get("COLMEIA_KEY")
colmeia = Client(
    base_url=os.environ.get("COLMEIA_URL", "http://127.0.0.1:5001"),
    headers={"X-Api-Key": key} if key else {},
    timeout=30,
)

sent = chatting_send_text.sync(client=colmeia, body=ChattingSendTextBody(session=session, chat_id=chat, text=text))
if isinstance(sent, Error):
    sys.exit(sent.message)
print("sent:", sent.id)

chats = chats_get_chats.sync(session, client=colmeia, limit=5)
if isinstance(chats, Error):
    sys.exit(chats.message)
for one in chats:
    print("chat:", one.id, one.name)
