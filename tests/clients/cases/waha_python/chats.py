"""Chats and their messages, contacts."""

import base64

from cases import PNG
from cases.waha_python import case
from cases.waha_python.messages import TO, text
from world import ANA, BEA, until

CAROL = "5511955554444"


def chat_of(world, chat):
    return {one["id"]: one for one in world.python.chats.list(world.session)}.get(chat)


@case("chats.list")
def _(world):
    world.incoming("para a lista")
    page = world.python.chats.list(world.session, limit=1, offset=0)
    assert [one["id"] for one in page] == [TO], page


@case("chats.get_overview")
def _(world):
    world.incoming("o mais novo")
    first = world.python.chats.get_overview(world.session)[0]
    assert (first["id"], first["lastMessage"]["body"]) == (TO, "o mais novo"), first


@case("chats.get_picture")
def _(world):
    assert "url" in world.python.chats.get_picture(world.session, TO, accept_json=True)


@case("chats.unread")
def _(world):
    world.python.chats.read_messages(world.session, TO)
    world.python.chats.unread(world.session, TO)
    until("it is marked", lambda: chat_of(world, TO)["unreadCount"] < 0)


@case("chats.archive")
def _(world):
    world.python.chats.archive(world.session, TO)
    until("it is archived", lambda: chat_of(world, TO)["archived"])
    world.python.chats.unarchive(world.session, TO)


@case("chats.unarchive")
def _(world):
    world.python.chats.archive(world.session, TO)
    until("it is archived", lambda: chat_of(world, TO)["archived"])
    world.python.chats.unarchive(world.session, TO)
    until("it is back", lambda: not chat_of(world, TO)["archived"])


@case("chats.delete")
def _(world):
    chat = f"{CAROL}@c.us"
    world.incoming("some daqui", sender=CAROL)
    until("the chat is there", lambda: chat_of(world, chat))
    world.python.chats.delete(world.session, chat)
    until("the chat is gone", lambda: not chat_of(world, chat))


@case("chats.read_messages")
def _(world):
    unread = world.incoming("não lida")
    assert unread in world.python.chats.read_messages(world.session, TO, message_ids=[unread])["ids"]
    until("the chat is seen", lambda: world.phone.chats()[TO]["seen_at"])


@case("chats.get_messages")
def _(world):
    world.incoming("página um")
    media = {"mimetype": "image/png", "filename": "f.png", "data": base64.b64encode(PNG).decode()}
    newest = world.incoming("", media=media)
    found = world.python.chats.get_messages(world.session, TO, limit=2, download_media=True)
    assert [one["id"] for one in found][:1] == [newest] and found[1]["body"] == "página um", found
    assert world.raw("GET", found[0]["media"]["url"]).content == PNG


@case("chats.get_message")
def _(world):
    asked = world.incoming("só esta")
    assert world.python.chats.get_message(world.session, TO, asked, download_media=True)["body"] == "só esta"


@case("contacts.list_all")
def _(world):
    everyone = world.python.contacts.list_all(world.session, sort_by="id", sort_order="asc")
    assert TO in {one["id"] for one in everyone}
    assert world.python.contacts.list_all(world.session, limit=1, offset=1, sort_by="id") == [everyone[1]]
    assert world.python.contacts.list_all(world.session, limit=0, offset=0, sort_by="id") == everyone


@case("contacts.get_contact")
def _(world):
    assert world.python.contacts.get_contact(world.session, ANA)["name"] == "Ana"


@case("contacts.update")
def _(world):
    number = "5511944443333"
    world.python.contacts.update(world.session, f"{number}@c.us", "Davi", "")
    until("Davi is in the book", lambda: "Davi" in (world.python.contacts.get_contact(world.session, number)["name"] or ""))


@case("contacts.check_exists")
def _(world):
    found = world.python.contacts.check_exists(world.session, ANA)
    assert (found["numberExists"], found["chatId"], found["pn"]) == (True, TO, TO), found
    assert not world.python.contacts.check_exists(world.session, "5511900000000")["numberExists"]


@case("contacts.get_about")
def _(world):
    assert "about" in world.python.contacts.get_about(world.session, ANA)


@case("contacts.get_profile_picture")
def _(world):
    assert "profilePictureURL" in world.python.contacts.get_profile_picture(world.session, ANA, refresh=True)


def blocked(world):
    return world.python.contacts.get_contact(world.session, BEA)["isBlocked"]


@case("contacts.block")
def _(world):
    text(world, "para Bea", f"{BEA}@c.us")
    world.python.contacts.block(world.session, f"{BEA}@c.us")
    until("Bea is blocked", lambda: blocked(world))
    world.python.contacts.unblock(world.session, f"{BEA}@c.us")


@case("contacts.unblock")
def _(world):
    world.python.contacts.block(world.session, f"{BEA}@c.us")
    until("Bea is blocked", lambda: blocked(world))
    world.python.contacts.unblock(world.session, f"{BEA}@c.us")
    until("Bea is let through", lambda: not blocked(world))
