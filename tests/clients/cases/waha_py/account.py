"""The own profile, presence, labels, statuses and calls."""

import base64

from waha import models

from cases import PNG, base64_file
from cases.waha_py.chatting import TO, message, sent
from cases.waha_py import case
from harness import model
from world import ANA, ME, until


@case("profile.get_my_profile")
def _(world):
    assert model(models.MyProfile, world.waha.profile.get_my_profile(world.session)).id == f"{ME}@c.us"


@case("profile.set_profile_name")
def _(world):
    assert model(models.Result, world.waha.profile.set_profile_name(world.session, {"name": "Dona Nova"})).success
    until("the name is another", lambda: world.waha.profile.get_my_profile(world.session)["name"] == "Dona Nova")


@case("profile.set_profile_status")
def _(world):
    assert model(models.Result, world.waha.profile.set_profile_status(world.session, {"status": "trabalhando"})).success
    until("the text is another", lambda: world.waha.profile.get_my_profile(world.session)["about"] == "trabalhando")


@case("profile.set_profile_picture")
def _(world):
    wish = {"file": base64_file(PNG, "image/png")}
    assert model(models.Result, world.waha.profile.set_profile_picture(world.session, wish)).success
    until("there is a picture", lambda: world.waha.profile.get_my_profile(world.session)["picture"])


@case("profile.delete_profile_picture")
def _(world):
    world.waha.profile.set_profile_picture(world.session, {"file": base64_file(PNG, "image/png")})
    until("there is a picture", lambda: world.waha.profile.get_my_profile(world.session)["picture"])
    assert model(models.Result, world.waha.profile.delete_profile_picture(world.session)).success
    until("there is none", lambda: not world.waha.profile.get_my_profile(world.session)["picture"])


@case("presence.set_presence")
def _(world):
    world.waha.presence.set_presence(world.session, {"presence": "online"})
    shown = lambda: [one["details"]["state"] for one in world.phone.actions() if one["what"] == "presence"]
    until("we are shown as online", lambda: shown()[-1:] == ["available"])
    world.waha.presence.set_presence(world.session, {"presence": "typing", "chatId": TO})
    until("typing is shown", lambda: world.phone.chats()[TO]["typing"])


def known(world, presence):
    return [one.lastKnownPresence.value for one in presence.presences if one.participant == TO]


@case("presence.subscribe")
def _(world):
    world.waha.presence.subscribe(world.session, TO)
    world.phone.post("/phone/presence", number=ME, chat=TO, state="typing")

    def told():
        found = model(models.WAHAChatPresences, world.waha.presence.get_presence_all(world.session))
        return [one for one in found if one.id == TO and "typing" in known(world, one)]

    until("Ana's presence comes without being asked for", told)


@case("presence.get_presence")
def _(world):
    world.waha.presence.subscribe(world.session, TO)
    world.phone.post("/phone/presence", number=ME, chat=TO, state="typing")

    def typing():
        found = model(models.WAHAChatPresences, world.waha.presence.get_presence(world.session, TO))
        return "typing" in known(world, found)

    until("Ana is seen typing", typing)


@case("presence.get_presence_all")
def _(world):
    world.waha.presence.get_presence(world.session, TO)
    found = model(models.WAHAChatPresences, world.waha.presence.get_presence_all(world.session))
    assert TO in {one.id for one in found}


def label(world, name):
    return model(models.Label, world.waha.labels.create(world.session, {"name": name, "color": 3}))


def names(world):
    return {one.id: one.name for one in model(models.Label, world.waha.labels.get_all(world.session))}


@case("labels.create")
def _(world):
    made = label(world, "Cliente")
    assert made.name == "Cliente" and names(world)[made.id] == "Cliente"


@case("labels.get_all")
def _(world):
    made = label(world, "Para a lista")
    assert names(world)[made.id] == "Para a lista"


@case("labels.update")
def _(world):
    made = label(world, "Antes")
    changed = model(models.Label, world.waha.labels.update(world.session, made.id, {"name": "Depois", "color": 5}))
    assert changed.name == "Depois" and changed.color == 5
    until("the name is another", lambda: names(world)[made.id] == "Depois")


@case("labels.delete")
def _(world):
    made = label(world, "A apagar")
    world.waha.labels.delete(world.session, made.id)
    until("the label is gone", lambda: made.id not in names(world))


def give(world, made):
    world.waha.labels.put_chat_labels(world.session, TO, {"labels": [{"id": made.id}]})


def of_chat(world):
    return {one.id for one in model(models.Label, world.waha.labels.get_chat_labels(world.session, TO))}


@case("labels.put_chat_labels")
def _(world):
    made = label(world, "Da Ana")
    give(world, made)
    until("the chat has it and no other", lambda: of_chat(world) == {made.id})


@case("labels.get_chat_labels")
def _(world):
    made = label(world, "Também da Ana")
    give(world, made)
    until("the chat has it", lambda: made.id in of_chat(world))


@case("labels.get_chats_by_label")
def _(world):
    made = label(world, "Com conversa")
    give(world, made)
    until("its chat is found", lambda: TO in {c["id"] for c in world.waha.labels.get_chats_by_label(world.session, made.id)})


def status_row(world, id):
    row = sent(world, "the status", id=id)
    assert "status@broadcast" in str(row["to"]), row
    return row


@case("status.send_text_status")
def _(world):
    wish = {"text": "bom dia", "backgroundColor": "#38b42f", "font": 1}
    answer = message(world.waha.status.send_text_status(world.session, wish))
    assert "bom dia" in str(status_row(world, answer.id))


@case("status.send_image_status")
def _(world):
    wish = {"file": base64_file(PNG, "image/png"), "caption": "o dia"}
    assert status_row(world, message(world.waha.status.send_image_status(world.session, wish)).id)["type"] == "image"


@case("status.send_voice_status")
def _(world):
    file = base64_file(b"OggS" + bytes(60), "audio/ogg; codecs=opus")
    wish = {"file": file, "convert": False, "backgroundColor": "#38b42f"}
    assert status_row(world, message(world.waha.status.send_voice_status(world.session, wish)).id)["type"] == "ptt"


@case("status.send_video_status")
def _(world):
    wish = {"file": base64_file(b"\0\0\0\x18ftypmp42" + bytes(60), "video/mp4"), "convert": False}
    assert status_row(world, message(world.waha.status.send_video_status(world.session, wish)).id)["type"] == "video"


@case("status.delete_status")
def _(world):
    posted = message(world.waha.status.send_text_status(world.session, {"text": "engano", "backgroundColor": "#000000", "font": 0}))
    world.waha.status.delete_status(world.session, {"id": posted.id})
    world.last_sent("the revocation", lambda row: row["type"] == "revoke" and row["about"] == posted.id)


@case("status.get_new_message_id")
def _(world):
    new = model(models.NewMessageIDResponse, world.waha.status.get_new_message_id(world.session)).id
    wish = {"text": "com este id", "backgroundColor": "#38b42f", "font": 1, "id": new}
    assert new in message(world.waha.status.send_text_status(world.session, wish)).id.split("_")


@case("screenshot.screenshot")
def _(world):
    file = model(models.Base64File, world.waha.screenshot.screenshot({"session": world.session}))
    assert base64.b64decode(file.data).startswith(b"\x89PNG")


@case("calls.reject_call")
def _(world):
    call = world.phone.post("/phone/call", number=ME, **{"from": ANA})["id"]

    def rejected():
        world.waha.calls.reject_call(world.session, {"from": TO, "id": call})
        return any("reject" in str(one).lower() for one in world.phone.actions())

    until("the call is refused", rejected)
