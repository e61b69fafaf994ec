"""Sending, messages, chats and contacts."""

import base64

from cases import EXAMPLES, FILES
from cases.n8n import SUITE
from cases.waha_py.chatting import TO, send, sent
from world import ANA, until


@SUITE.show("Chatting / Send Text")
def _(world, ask, recorded):
    row = sent(world, "the text", id=ask()["id"])
    assert (row["to"], row["body"], row.get("quoted")) == (TO, recorded["body"]["text"], None), row


def size_of(recorded):
    file = recorded["body"]["file"]
    name = file.get("url", "").rpartition("/")[2]
    return len(FILES[EXAMPLES + name][1]) if name else len(base64.b64decode(file["data"]))


@SUITE.show("Chatting / Send Image")
def _(world, ask, recorded):
    row = sent(world, "the picture", id=ask()["id"])
    assert (row["type"], row["size"], row.get("caption") or "") == ("image", size_of(recorded), ""), row


@SUITE.show("Chatting / Send File")
def _(world, ask, recorded):
    row = sent(world, "the document", id=ask()["id"])
    assert (row["type"], row["filename"]) == ("document", recorded["body"]["file"]["filename"]), row


@SUITE.show("Chatting / Send Voice")
def _(world, ask, recorded):
    row = sent(world, "the voice", id=ask()["id"])
    assert (row["type"], row["size"]) == ("ptt", size_of(recorded)), row


@SUITE.show("Chatting / Send Video")
def _(world, ask, recorded):
    row = sent(world, "the video", id=ask()["id"])
    assert (row["type"], row["caption"]) == ("video", recorded["body"]["caption"]), row


@SUITE.show("Chatting / Send Seen")
def _(world, ask, _):
    ask(message=world.incoming("leia isto"))
    until("the chat is seen", lambda: world.phone.chats()[TO]["seen_at"])


@SUITE.show("Chatting / Start Typing")
def _(world, ask, _):
    ask()
    until("typing is shown", lambda: world.phone.chats()[TO]["typing"])


@SUITE.show("Chatting / Stop Typing")
def _(world, ask, _):
    world.waha.chatting.start_typing({"session": world.session, "chatId": TO})
    until("typing is shown", lambda: world.phone.chats()[TO]["typing"])
    ask()
    until("typing is over", lambda: world.phone.chats()[TO]["typing"] not in (True, "composing", "typing"))


@SUITE.show("Chatting / Set Reaction")
def _(world, ask, recorded):
    asked = world.incoming("gostou?")
    ask(message=asked)
    assert sent(world, "the reaction", type="reaction", about=asked)["body"] == recorded["body"]["reaction"]


@SUITE.show("Chatting / Set Star")
def _(world, ask, _):
    starred = send(world, "com estrela").id
    ask(own=starred)
    assert world.waha.chats.get_chat_message(world.session, TO, starred)["_data"]["star"] is True


@SUITE.show("Chatting / Send Poll")
def _(world, ask, recorded):
    row = sent(world, "the poll", id=ask()["id"])
    assert recorded["body"]["poll"]["name"] in str(row) and "Not bad!" in str(row), row


@SUITE.show("Chatting / Send Location")
def _(world, ask, recorded):
    row = sent(world, "the place", id=ask()["id"])
    assert row["type"] == "location" and "38.89" in str(row) and recorded["body"]["title"] in str(row), row


@SUITE.show("Chatting / Send Contact Vcard")
def _(world, ask, _):
    row = sent(world, "the card", id=ask()["id"])
    assert row["type"] == "vcard" and "Jane Doe" in str(row), row


@SUITE.show("Chatting / Get Messages")
def _(world, ask, recorded):
    texts = [f"mensagem {number}" for number in range(12)]
    for text in texts:
        world.phone.message(ANA, text)
    until("the last is there", lambda: ask()[0]["body"] == texts[-1])
    assert [one["body"] for one in ask()] == texts[:1:-1], "no limit is ten"


@SUITE.show("Chats / Get Chats")
def _(world, ask, _):
    world.incoming("para a lista")
    assert ask()[0]["id"] == TO


@SUITE.show("Chats / Get Chat Messages")
def _(world, ask, _):
    newest = world.incoming("página um")
    assert (ask()[0]["id"], ask()[0]["body"]) == (newest, "página um")


@SUITE.show("Chats / Edit Message")
def _(world, ask, recorded):
    wrong = send(world, "erado").id
    ask(own=wrong)
    assert sent(world, "the edit", type="edit", about=wrong)["body"] == recorded["body"]["text"]


def archived(world):
    return {one["id"]: one for one in world.waha.chats.get_chats(world.session)}[TO]["archived"]


@SUITE.show("Chats / Archive Chat")
def _(world, ask, _):
    world.incoming("de hoje")
    ask()
    until("it is archived", lambda: archived(world))
    world.waha.chats.unarchive_chat(world.session, TO)


@SUITE.show("Chats / Unarchive Chat")
def _(world, ask, _):
    world.incoming("de ontem")
    world.waha.chats.archive_chat(world.session, TO)
    until("it is archived", lambda: archived(world))
    ask()
    until("it is back", lambda: not archived(world))


@SUITE.show("Contacts / Get")
def _(world, ask, _):
    assert (ask()["id"], ask()["name"]) == (TO, "Ana")


@SUITE.show("Contacts / Get All")
def _(world, ask, _):
    assert TO in {one["id"] for one in ask()}


@SUITE.show("Contacts / Check Exists")
def _(world, ask, _):
    found = ask()
    assert (found["numberExists"], found["chatId"], found["pn"]) == (True, TO, TO), found


@SUITE.show("Contacts / Get About")
def _(world, ask, _):
    assert "about" in ask()


@SUITE.show("Contacts / Get Profile Picture")
def _(world, ask, _):
    assert "profilePictureURL" in ask()


def blocked(world):
    return world.waha.contacts.get({"session": world.session, "contactId": ANA})["isBlocked"]


@SUITE.show("Contacts / Block")
def _(world, ask, _):
    ask()
    until("Ana is blocked", lambda: blocked(world))
    world.waha.contacts.unblock({"session": world.session, "contactId": ANA})


@SUITE.show("Contacts / Unblock")
def _(world, ask, _):
    world.waha.contacts.block({"session": world.session, "contactId": ANA})
    until("Ana is blocked", lambda: blocked(world))
    ask()
    until("Ana is let through", lambda: not blocked(world))


@SUITE.show("Chatting / Send Link Preview")
def _(world, ask, recorded):
    assert recorded["body"]["url"] in sent(world, "the link", id=ask()["id"])["body"]
