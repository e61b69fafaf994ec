"""Chats and their messages."""

import base64

from waha import models

from cases import PNG
from cases.waha_py.chatting import TO, message, send, sent
from cases.waha_py import case
from harness import model
from world import ANA, BEA, until

CAROL = "5511955554444"


def chat_of(world, chat):
    return {one["id"]: one for one in world.waha.chats.get_chats(world.session)}.get(chat)


@case("chats.get_chats")
def _(world):
    world.incoming("para a lista")
    page = world.waha.chats.get_chats(world.session, params={"limit": 1, "sortBy": "conversationTimestamp"})
    assert len(page) == 1 and page[0]["id"] == TO, page


@case("chats.get_chats_overview")
def _(world):
    world.incoming("o mais novo")
    found = model(models.ChatSummary, world.waha.chats.get_chats_overview(world.session, params={"limit": 5}))
    assert found[0].id == TO and found[0].lastMessage["body"] == "o mais novo", found[0]


@case("chats.post_chats_overview")
def _(world):
    wish = {"pagination": {"limit": 5}, "filter": {"ids": [TO]}}
    found = model(models.ChatSummary, world.waha.chats.post_chats_overview(world.session, wish))
    assert [one.id for one in found] == [TO]


@case("chats.get_chat_messages")
def _(world):
    for text in ("um", "dois", "três"):
        world.incoming(f"página {text}")
    media = {"mimetype": "image/png", "filename": "f.png", "data": base64.b64encode(PNG).decode()}
    with_file = world.incoming("", media=media)
    read = world.waha.chats.get_chat_messages
    newest = message(read(world.session, TO, params={"limit": 3, "downloadMedia": True}))
    assert newest[0].id == with_file and newest[0].hasMedia, newest[0]
    assert [one.body for one in newest[1:]] == ["página três", "página dois"]
    answer = world.waha._http.request("GET", newest[0].media.url)
    assert answer.content == PNG
    second = message(read(world.session, TO, params={"limit": 1, "offset": 2}))
    assert second[0].body == "página dois"
    own = message(read(world.session, TO, params={"limit": 100, "filter.fromMe": True}))
    assert own and all(one.fromMe for one in own)
    late = read(world.session, TO, params={"filter.timestamp.gte": newest[0].timestamp + 3600})
    assert late == []


@case("chats.get_chat_message")
def _(world):
    asked = world.incoming("só esta")
    assert message(world.waha.chats.get_chat_message(world.session, TO, asked)).body == "só esta"


@case("chats.read_chat_messages")
def _(world):
    unread = world.incoming("não lida")
    answer = world.waha.chats.read_chat_messages(world.session, TO)
    assert unread in model(models.ReadChatMessagesResponse, answer).ids
    until("the chat is seen", lambda: world.phone.chats()[TO]["seen_at"])


@case("chats.delete_message")
def _(world):
    mistake = send(world, "engano").id
    world.waha.chats.delete_message(world.session, TO, mistake)
    sent(world, "the revocation", type="revoke", about=mistake)


@case("chats.edit_message")
def _(world):
    wrong = send(world, "erado").id
    world.waha.chats.edit_message(world.session, TO, wrong, {"text": "errado"})
    assert sent(world, "the edit", type="edit", about=wrong)["body"] == "errado"


@case("chats.pin_message")
def _(world):
    pinned = send(world, "no alto").id
    world.waha.chats.pin_message(world.session, TO, pinned, {"duration": 86400})
    world.last_sent("the pin", lambda row: "pin" in row["type"] and row["about"] == pinned)


@case("chats.unpin_message")
def _(world):
    pinned = send(world, "no alto por pouco").id
    world.waha.chats.pin_message(world.session, TO, pinned, {"duration": 86400})
    before = len([row for row in world.phone.sent() if row.get("about") == pinned])
    world.waha.chats.unpin_message(world.session, TO, pinned)
    until("the unpin", lambda: len([row for row in world.phone.sent() if row.get("about") == pinned]) > before)


@case("chats.archive_chat")
def _(world):
    world.waha.chats.archive_chat(world.session, TO)
    until("it is archived", lambda: chat_of(world, TO)["archived"])
    world.waha.chats.unarchive_chat(world.session, TO)


@case("chats.unarchive_chat")
def _(world):
    world.waha.chats.archive_chat(world.session, TO)
    until("it is archived", lambda: chat_of(world, TO)["archived"])
    world.waha.chats.unarchive_chat(world.session, TO)
    until("it is back", lambda: not chat_of(world, TO)["archived"])


@case("chats.unread_chat")
def _(world):
    world.waha.chats.read_chat_messages(world.session, TO)
    world.waha.chats.unread_chat(world.session, TO)
    until("it is marked", lambda: chat_of(world, TO)["unreadCount"] < 0)


@case("chats.get_chat_picture")
def _(world):
    world.phone.post("/phone/records/person", id=ANA, value={"picture": "/sim/chat.png"})
    found = world.waha.chats.get_chat_picture(world.session, TO, params={"refresh": True})
    assert model(models.ChatPictureResponse, found).url.endswith("/sim/chat.png")


@case("chats.clear_messages")
def _(world):
    chat = f"{CAROL}@c.us"
    world.incoming("some daqui", sender=CAROL)
    world.waha.chats.clear_messages(world.session, chat)
    until("it is empty", lambda: world.waha.chats.get_chat_messages(world.session, chat) == [])


@case("chats.delete_chat")
def _(world):
    chat = f"{BEA}@c.us"
    send(world, "a apagar", chat)
    until("the chat is there", lambda: chat_of(world, chat))
    world.waha.chats.delete_chat(world.session, chat)
    until("the chat is gone", lambda: not chat_of(world, chat))
