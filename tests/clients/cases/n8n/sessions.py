"""Sessions, linking, the service, presence, labels, channels and statuses."""

import base64

from cases.n8n import SUITE
from cases.waha_py.chatting import TO, sent
from world import ME, until


@SUITE.show("Observability / Ping")
def _(world, ask, _):
    assert ask() == {"message": "pong"}


@SUITE.show("Observability / Check")
def _(world, ask, _):
    assert ask()["status"] == "ok"


@SUITE.show("Observability / Get")
def _(world, ask, _):
    assert ask()["engine"] == "WEBJS"


@SUITE.show("Observability / Status")
def _(world, ask, _):
    assert ask()["uptime"] > 0


def status(world):
    return world.waha.sessions.get(world.session)["status"]


@SUITE.show("Auth / Get QR")
def _(world, ask, _):
    world.waha.sessions.create({"name": world.session, "start": True})
    until("the code is shown", lambda: status(world) == "SCAN_QR_CODE")
    assert base64.b64decode(until("a picture", ask)["data"]).startswith(b"\x89PNG")


@SUITE.show("Auth / Request Code")
def _(world, ask, _):
    def paired():
        contacts = [{"number": TO.split("@")[0], "name": "Ana"}]
        world.phone.post("/phone/pair", code=ask()["code"], number=ME, name="Dona", contacts=contacts)
        return True

    # The page may be between two codes when it is asked.
    until("the phone is linked by a typed code", paired)
    world.works(world.session)


@SUITE.show("Sessions / List")
def _(world, ask, _):
    world.waha.sessions.create({"name": "parada", "start": False})
    assert [one["name"] for one in ask()] == [world.session]


@SUITE.show("Sessions / Get")
def _(world, ask, _):
    assert ask()["status"] == "WORKING"


@SUITE.show("Sessions / Get Me")
def _(world, ask, _):
    assert ask()["id"] == f"{ME}@c.us"


@SUITE.show("Screenshot / Screenshot")
def _(world, ask, _):
    assert base64.b64decode(ask()["data"]).startswith(b"\x89PNG")


@SUITE.show("Presence / Set Presence")
def _(world, ask, _):
    world.waha.presence.set_presence(world.session, {"presence": "online"})
    shown = lambda: len([one for one in world.phone.actions() if "presence" in str(one)])
    before = until("we are shown as online", shown)
    ask()
    until("and as offline", lambda: shown() > before)


@SUITE.show("Presence / Subscribe")
def _(world, ask, _):
    ask()
    world.phone.post("/phone/presence", number=ME, chat=TO, state="typing")
    until("Ana is seen typing", lambda: "typing" in str(world.waha.presence.get_presence_all(world.session)))


@SUITE.show("Presence / Get Presence")
def _(world, ask, _):
    ask()
    world.phone.post("/phone/presence", number=ME, chat=TO, state="typing")
    until("Ana is seen typing", lambda: ask()["id"] == TO and "typing" in str(ask()["presences"]))


@SUITE.show("Presence / Get Presence All")
def _(world, ask, _):
    world.waha.presence.get_presence(world.session, TO)
    assert TO in {one["id"] for one in ask()}


def label(world):
    """The first label has the id that the node names."""
    if "1" not in {one["id"] for one in world.waha.labels.get_all(world.session)}:
        assert world.waha.labels.create(world.session, {"name": "Cliente", "color": 3})["id"] == "1"


@SUITE.show("Labels / Get All")
def _(world, ask, _):
    label(world)
    assert "1" in {one["id"] for one in ask()}


@SUITE.show("Labels / Put Chat Labels")
def _(world, ask, _):
    label(world)
    ask()
    until("the chat has it", lambda: [one["id"] for one in world.waha.labels.get_chat_labels(world.session, TO)] == ["1"])


@SUITE.show("Labels / Get Chat Labels")
def _(world, ask, _):
    label(world)
    world.waha.labels.put_chat_labels(world.session, TO, {"labels": [{"id": "1"}]})
    until("the chat has it", lambda: [one["id"] for one in ask()] == ["1"])


@SUITE.show("Channels / Create")
def _(world, ask, recorded):
    made = ask()
    assert (made["name"], made["description"], made["role"]) == ("Channel Name", "Channel Description", "OWNER"), made
    assert made["id"] in {one["id"] for one in world.waha.channels.list(world.session)}


def channel(world):
    return world.waha.channels.create(world.session, {"name": "Notícias", "description": "d"})["id"]


@SUITE.show("Channels / List")
def _(world, ask, _):
    assert channel(world) in {one["id"] for one in ask()}


@SUITE.show("Channels / Get")
def _(world, ask, _):
    made = channel(world)
    assert ask(channel=made)["id"] == made


def status_row(world, answer, kind):
    row = sent(world, "the status", id=answer["id"])
    assert row["type"] == kind and "status@broadcast" in str(row["to"]), row
    return row


@SUITE.show("Status / Send Text Status")
def _(world, ask, recorded):
    assert status_row(world, ask(), "chat")["body"] == recorded["body"]["text"]


@SUITE.show("Status / Send Image Status")
def _(world, ask, _):
    assert not status_row(world, ask(), "image").get("caption")


@SUITE.show("Status / Delete Status")
def _(world, ask, _):
    wish = {"text": "engano", "backgroundColor": "#000000", "font": 0}
    posted = world.waha.status.send_text_status(world.session, wish)["id"]
    ask(status=posted)
    sent(world, "the revocation", type="revoke", about=posted)
