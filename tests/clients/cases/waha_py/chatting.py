"""Sending, and what is done with messages."""

import base64
import io
import wave

from waha import models

from cases import PNG, base64_file
from cases.waha_py import case
from harness import model
from world import ANA, BEA, until

TO = f"{ANA}@c.us"
#: One picture of four by four points, inside of a GIF.
PICTURE = bytes.fromhex("21f9040414001f002c000000000400040000080b000f081c4850a08181010100")


def message(answer):
    return model(models.WAMessage, answer)


def sent(world, what, **fields):
    """The newest thing that the phone saw with these fields."""
    return world.last_sent(what, lambda row: all(row.get(name) == value for name, value in fields.items()))


def send(world, text, chat=TO):
    """A text, as its typed message."""
    return message(world.waha.chatting.send_text({"session": world.session, "chatId": chat, "text": text}))


@case("chatting.send_text")
def _(world):
    asked = world.incoming("uma pergunta")
    answer = message(
        world.waha.chatting.send_text(
            models.MessageTextRequest(
                session=world.session, chatId="+55 (11) 98888-7777", text="olá @" + BEA, reply_to=asked,
                mentions=[f"{BEA}@c.us"], linkPreview=False,
            )
        )
    )  # fmt: skip
    row = sent(world, "the text", id=answer.id)
    assert row["to"] == TO and row["body"] == "olá @" + BEA, row
    assert row["quoted"] and asked.split("_")[2] in str(row["quoted"]), row


@case("chatting.send_text_get")
def _(world):
    answer = message(world.waha.chatting.send_text_get({"session": world.session, "phone": ANA, "text": "por GET"}))
    assert sent(world, "the text", id=answer.id)["body"] == "por GET"


@case("chatting.reply")
def _(world):
    asked = world.incoming("responda")
    wish = {"session": world.session, "chatId": TO, "text": "respondo", "reply_to": asked}
    answer = message(world.waha.chatting.reply(wish))
    assert sent(world, "the reply", id=answer.id)["quoted"]


def send_file(world, method, file, **more):
    return message(method({"session": world.session, "chatId": TO, "file": file, **more}))


@case("chatting.send_image")
def _(world):
    by_data = send_file(world, world.waha.chatting.send_image, base64_file(PNG, "image/png", "a.png"), caption="veja")
    row = sent(world, "the picture", id=by_data.id)
    assert (row["type"], row["caption"], row["size"]) == ("image", "veja", len(PNG)), row
    file = {"mimetype": "image/png", "filename": "b.png", "url": world.files.address + "/picture.png"}
    by_url = send_file(world, world.waha.chatting.send_image, file)
    assert sent(world, "the fetched picture", id=by_url.id)["size"] == len(PNG)


@case("chatting.send_file")
def _(world):
    file = base64_file(b"%PDF-1.4 oi", "application/pdf", "conta.pdf")
    answer = send_file(world, world.waha.chatting.send_file, file, caption="a conta")
    row = sent(world, "the document", id=answer.id)
    assert (row["type"], row["filename"]) == ("document", "conta.pdf"), row


@case("chatting.send_voice")
def _(world):
    file = base64_file(b"OggS" + bytes(60), "audio/ogg; codecs=opus")
    answer = send_file(world, world.waha.chatting.send_voice, file, convert=False)
    assert sent(world, "the voice", id=answer.id)["type"] == "ptt"


def wav():
    """A tenth of a second of a tone, in a kind that phones do not play as a voice message."""
    samples = b"".join((8000 if n // 50 % 2 else -8000).to_bytes(2, "little", signed=True) for n in range(4800))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(samples)
    return file.getvalue()


@case("media.convert_voice")
def _(world):
    data = base64.b64encode(wav()).decode()
    answer = world.waha.media.convert_voice(world.session, {"data": data})
    assert answer["mimetype"] == "audio/ogg; codecs=opus", answer
    voice = base64.b64decode(answer["data"])
    assert voice.startswith(b"OggS") and b"OpusHead" in voice
    sent_as = send_file(world, world.waha.chatting.send_voice, base64_file(wav(), "audio/wav"), convert=True)
    row = sent(world, "the converted voice", id=sent_as.id)
    assert (row["type"], row["mimetype"]) == ("ptt", "audio/ogg; codecs=opus"), row


@case("media.convert_video")
def _(world):
    gif = b"GIF89a\4\0\4\0\xf7\0\0" + bytes(3 * 256) + 2 * PICTURE + b";"
    answer = world.waha.media.convert_video(world.session, {"data": base64.b64encode(gif).decode()})
    film = base64.b64decode(answer["data"])
    assert answer["mimetype"] == "video/mp4" and film[4:8] == b"ftyp" and film.index(b"moov") < film.index(b"mdat")


@case("chatting.send_video")
def _(world):
    file = base64_file(b"\0\0\0\x18ftypmp42" + bytes(60), "video/mp4", "v.mp4")
    answer = send_file(world, world.waha.chatting.send_video, file, convert=False, caption="um filme")
    assert sent(world, "the video", id=answer.id)["type"] == "video"


@case("chatting.send_sticker")
def _(world):
    file = base64_file(b"RIFF\x24\0\0\0WEBPVP8 " + bytes(40), "image/webp")
    answer = send_file(world, world.waha.chatting.send_sticker, file)
    assert sent(world, "the sticker", id=answer.id)["type"] == "sticker"


@case("chatting.send_link_custom_preview")
def _(world):
    preview = {"url": "https://example.org/x", "title": "Título", "description": "Descrição"}
    wish = {"session": world.session, "chatId": TO, "text": "veja https://example.org/x", "preview": preview}
    answer = message(world.waha.chatting.send_link_custom_preview(wish))
    row = sent(world, "the link", id=answer.id)
    assert "Título" in str(row), row


@case("chatting.send_link_preview_deprecated")
def _(world):
    wish = {"session": world.session, "chatId": TO, "url": "https://example.org/y", "title": "Um link"}
    answer = message(world.waha.chatting.send_link_preview_deprecated(wish))
    assert "https://example.org/y" in sent(world, "the link", id=answer.id)["body"]


@case("chatting.send_location")
def _(world):
    wish = {"session": world.session, "chatId": TO, "latitude": -23.5505, "longitude": -46.6333, "title": "Sé"}
    answer = message(world.waha.chatting.send_location(wish))
    row = sent(world, "the place", id=answer.id)
    assert row["type"] == "location" and "-23.55" in str(row), row


@case("chatting.send_contact_vcard")
def _(world):
    contact = {"fullName": "Bea Lima", "phoneNumber": "+" + BEA, "whatsappId": BEA}
    wish = {"session": world.session, "chatId": TO, "contacts": [contact]}
    answer = message(world.waha.chatting.send_contact_vcard(wish))
    row = sent(world, "the card", id=answer.id)
    assert row["type"] == "vcard" and "Bea Lima" in str(row), row


def send_poll(world, name="Que dia?"):
    poll = {"name": name, "options": ["Segunda", "Terça"], "multipleAnswers": False}
    return message(world.waha.chatting.send_poll({"session": world.session, "chatId": TO, "poll": poll}))


@case("chatting.send_poll")
def _(world):
    row = sent(world, "the poll", id=send_poll(world).id)
    assert "Que dia?" in str(row) and "Terça" in str(row), row


@case("chatting.send_poll_vote")
def _(world):
    poll = send_poll(world, "Vota?").id
    wish = {"session": world.session, "chatId": TO, "pollMessageId": poll, "votes": [["Terça"]]}
    assert model(models.Result, world.waha.chatting.send_poll_vote(wish)).success
    seen = world.last_sent("the vote", lambda row: "vote" in row["type"] or "poll_update" in row["type"])
    assert seen["about"] == poll, seen


def send_buttons(world):
    buttons = [{"type": "reply", "text": "Sim", "id": "s"}, {"type": "reply", "text": "Não", "id": "n"}]
    wish = {"session": world.session, "chatId": TO, "header": "Oi", "body": "Vamos?", "footer": "f", "buttons": buttons}
    return message(world.waha.chatting.send_buttons(wish))


@case("chatting.send_buttons")
def _(world):
    assert "Sim" in str(sent(world, "the buttons", id=send_buttons(world).id))


@case("chatting.send_buttons_reply")
def _(world):
    asked = send_buttons(world).id
    wish = {"session": world.session, "chatId": TO, "replyTo": asked}
    press = {**wish, "selectedDisplayText": "Sim", "selectedButtonID": "s"}
    answer = message(world.waha.chatting.send_buttons_reply(press))
    row = sent(world, "the answer", id=answer.id)
    assert (row["body"], row["chosen"]) == ("Sim", "s"), row


@case("chatting.send_list")
def _(world):
    rows = [{"title": "Um", "rowId": "1"}, {"title": "Dois", "rowId": "2", "description": "o segundo"}]
    list_ = {"title": "Escolha", "description": "d", "button": "Abrir", "sections": [{"title": "S", "rows": rows}]}
    answer = message(world.waha.chatting.send_list({"session": world.session, "chatId": TO, "message": list_}))
    assert "Dois" in str(sent(world, "the list", id=answer.id))


@case("chatting.forward_message")
def _(world):
    original = send(world, "para a frente")
    wish = {"session": world.session, "chatId": f"{BEA}@c.us", "messageId": original.id}
    answer = message(world.waha.chatting.forward_message(wish))
    row = sent(world, "the forwarded text", id=answer.id)
    assert (row["to"], row["body"]) == (f"{BEA}@c.us", "para a frente"), row


@case("chatting.send_seen")
def _(world):
    world.incoming("leia isto")
    world.waha.chatting.send_seen({"session": world.session, "chatId": TO})
    until("the chat is seen", lambda: world.phone.chats()[TO]["seen_at"])


@case("chatting.start_typing")
def _(world):
    world.waha.chatting.start_typing({"session": world.session, "chatId": TO})
    until("typing is shown", lambda: world.phone.chats()[TO]["typing"])


@case("chatting.stop_typing")
def _(world):
    world.waha.chatting.start_typing({"session": world.session, "chatId": TO})
    until("typing is shown", lambda: world.phone.chats()[TO]["typing"])
    world.waha.chatting.stop_typing({"session": world.session, "chatId": TO})
    until("typing is over", lambda: world.phone.chats()[TO]["typing"] not in (True, "composing", "typing"))


@case("chatting.set_reaction")
def _(world):
    asked = world.incoming("gostou?")
    world.waha.chatting.set_reaction({"session": world.session, "messageId": asked, "reaction": "👍"})
    assert sent(world, "the reaction", type="reaction", about=asked)["body"] == "👍"


@case("chatting.set_star")
def _(world):
    starred = send(world, "com estrela").id
    wish = {"session": world.session, "chatId": TO, "messageId": starred, "star": True}
    assert model(models.Result, world.waha.chatting.set_star(wish)).success
    data = world.waha.chats.get_chat_message(world.session, TO, starred)["_data"]
    assert data["star"] is True, data


@case("chatting.get_messages")
def _(world):
    world.incoming("uma velha rota")
    found = message(world.waha.chatting.get_messages({"session": world.session, "chatId": TO, "limit": 50}))
    assert "uma velha rota" in {one.body for one in found}


@case("chatting.deprecated_check_number_status")
def _(world):
    params = {"session": world.session, "phone": ANA}
    found = model(models.WANumberExistResult, world.waha.chatting.deprecated_check_number_status(params))
    assert found.numberExists and found.chatId == TO


@case("chatting.get_new_message_id")
def _(world):
    new = model(models.NewMessageIDResponse, world.waha.chatting.get_new_message_id(world.session)).id
    wish = {"session": world.session, "chatId": TO, "text": "com este id", "id": new}
    first = message(world.waha.chatting.send_text(wish)).id
    assert first.endswith(new)
    place = {"session": world.session, "chatId": TO, "latitude": 1.0, "longitude": 1.0, "title": "x", "id": new}
    for again in ("/api/sendText", {**wish, "text": "outra coisa"}), ("/api/sendLocation", place):
        refused = world.plain.post(world.address + again[0], json=again[1])
        assert (refused.status_code, refused.json()["field"]) == (400, "id"), refused.text
    assert [row["body"] for row in world.phone.sent() if row["id"] == first] == ["com este id"]


@case("events.send_event")
def _(world):
    event = {"name": "Festa", "startTime": 1_900_000_000, "location": {"name": "Sé"}}
    answer = message(world.waha.events.send_event(world.session, {"chatId": TO, "event": event}))
    assert "Festa" in str(sent(world, "the event", id=answer.id))
