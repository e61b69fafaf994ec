"""Sending, and what is done with messages."""

from cases import MP4, OGG, PNG, base64_file
from cases.waha_python import case
from world import ANA, BEA, until

TO = f"{ANA}@c.us"


def sent(world, what, **fields):
    """The newest thing that the phone saw with these fields."""
    return world.last_sent(what, lambda row: all(row.get(name) == value for name, value in fields.items()))


def text(world, words, chat=TO):
    return world.python.messages.send_text(world.session, chat, words)["id"]


@case("messages.send_text")
def _(world):
    asked = world.incoming("uma pergunta")
    answer = world.python.messages.send_text(
        world.session, TO, "olá @" + BEA, reply_to=asked, mentions=[f"{BEA}@c.us"], link_preview=False,
        link_preview_high_quality=True,
    )  # fmt: skip
    row = sent(world, "the text", id=answer["id"])
    assert (row["to"], row["body"], row["mentions"]) == (TO, "olá @" + BEA, [f"{BEA}@c.us"]), row
    assert row["quoted"] == asked.split("_")[2], row
    people = world.waha.groups.get_group_participants(world.session, world.group)
    members = [{one.get("id"), one.get("pn"), one.get("lid")} for one in people]
    answer = world.python.messages.send_text(world.session, world.group, "todos!", mentions=["all"])
    row = sent(world, "the text to all", id=answer["id"])
    mentioned = set(row["mentions"])
    assert len(mentioned) == len(members) and all(names & mentioned for names in members), (row, members)


@case("messages.send_seen")
def _(world):
    asked = world.incoming("leia isto")
    world.python.messages.send_seen(world.session, TO, message_ids=[asked], participant=TO)
    until("the chat is seen", lambda: world.phone.chats()[TO]["seen_at"])


def on_disk(world, name, data):
    """The client sends a file's whole path as its name."""
    path = world.folder / name
    path.write_bytes(data)
    return str(path)


@case("messages.send_image")
def _(world):
    path = on_disk(world, "praia.png", PNG)
    row = sent(world, "the picture", id=world.python.messages.send_image(world.session, TO, path, caption="veja")["id"])
    assert (row["type"], row["caption"], row["size"]) == ("image", "veja", len(PNG)), row
    file = {"url": world.files.address + "/picture.png", "mimetype": "IMAGE/PNG"}
    row = sent(world, "the fetched picture", id=world.python.messages.send_image(world.session, TO, file)["id"])
    assert (row["type"], row["size"]) == ("image", len(PNG)), row


@case("messages.send_file")
def _(world):
    path = on_disk(world, "relatório.pdf", b"%PDF-1.4 oi")
    row = sent(world, "the document", id=world.python.messages.send_file(world.session, TO, path, caption="c")["id"])
    assert (row["type"], row["filename"]) == ("document", "relatório.pdf"), row


@case("messages.send_video")
def _(world):
    path = on_disk(world, "filme.mp4", MP4)
    row = sent(world, "the video", id=world.python.messages.send_video(world.session, TO, path, caption="um filme")["id"])
    assert (row["type"], row["caption"]) == ("video", "um filme"), row


@case("messages.send_voice")
def _(world):
    file = base64_file(OGG, "audio/ogg; codecs=opus")
    assert sent(world, "the voice", id=world.python.messages.send_voice(world.session, TO, file)["id"])["type"] == "ptt"


@case("messages.send_location")
def _(world):
    answer = world.python.messages.send_location(world.session, TO, -23.5505, -46.6333, title="Sé")
    row = sent(world, "the place", id=answer["id"])
    assert row["type"] == "location" and "-23.55" in str(row) and "Sé" in str(row), row


@case("messages.send_contact")
def _(world):
    contact = {"fullName": "Bea Lima", "organization": "Casa", "phoneNumber": "+" + BEA, "whatsappId": BEA}
    answer = world.python.messages.send_contact(world.session, TO, [contact])
    row = sent(world, "the card", id=answer["id"])
    assert row["type"] == "vcard" and "Bea Lima" in str(row), row


@case("messages.send_poll")
def _(world):
    poll = {"name": "Que dia?", "options": ["Segunda", "Terça"], "multipleAnswers": False}
    row = sent(world, "the poll", id=world.python.messages.send_poll(world.session, TO, poll)["id"])
    assert "Que dia?" in str(row) and "Terça" in str(row), row


@case("messages.forward_message")
def _(world):
    answer = world.python.messages.forward_message(world.session, f"{BEA}@c.us", text(world, "para a frente"))
    row = sent(world, "the forwarded text", id=answer["id"])
    assert (row["to"], row["body"]) == (f"{BEA}@c.us", "para a frente"), row


@case("messages.add_reaction")
def _(world):
    asked = world.incoming("gostou?")
    for reaction in ("👍", ""):
        world.python.messages.add_reaction(world.session, asked, reaction)
        assert sent(world, "the reaction", type="reaction", about=asked, body=reaction)


@case("messages.star_message")
def _(world):
    starred = text(world, "com estrela")
    for star in (True, False):
        world.python.messages.star_message(world.session, TO, starred, star)
        assert bool(world.waha.chats.get_chat_message(world.session, TO, starred)["_data"].get("star")) is star


@case("messages.edit_message")
def _(world):
    wrong = text(world, "erado")
    world.python.messages.edit_message(world.session, TO, wrong, "errado", link_preview=False)
    assert sent(world, "the edit", type="edit", about=wrong)["body"] == "errado"


@case("messages.delete_message")
def _(world):
    mistake = text(world, "engano")
    world.python.messages.delete_message(world.session, TO, mistake)
    sent(world, "the revocation", type="revoke", about=mistake)


def pins(world, pinned):
    return [row for row in world.phone.sent() if row.get("about") == pinned and "pin" in row["type"]]


@case("messages.pin_message")
def _(world):
    pinned = text(world, "no alto")
    world.python.messages.pin_message(world.session, TO, pinned)
    until("the phone sees the pin", lambda: pins(world, pinned))


@case("messages.unpin_message")
def _(world):
    pinned = text(world, "no alto por pouco")
    world.python.messages.pin_message(world.session, TO, pinned)
    until("the phone sees the pin", lambda: pins(world, pinned))
    world.python.messages.unpin_message(world.session, TO, pinned)
    until("and the unpin", lambda: len(pins(world, pinned)) == 2)
