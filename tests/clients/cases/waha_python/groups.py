"""Groups, channels and statuses."""

from cases import MP4, OGG, PNG, base64_file
from cases.waha_python import case
from cases.waha_python.messages import sent
from world import ANA, BEA, ME, until

ANA_ID, BEA_ID = f"{ANA}@c.us", f"{BEA}@c.us"


def new_group(world, name="Turma"):
    return world.python.groups.create(world.session, name, participants=[ANA_ID])["id"]


def group(world, id):
    return world.python.groups.get(world.session, id)


def role(world, id, who):
    members = world.waha.groups.get_participants(world.session, id)
    return {one["pn"] or one["id"]: one["role"] for one in members}.get(who)


@case("groups.create")
def _(world):
    id = new_group(world, "Feita")
    assert group(world, id)["subject"] == "Feita" and role(world, id, ANA_ID) == "participant"


@case("groups.get")
def _(world):
    assert group(world, new_group(world, "Só esta"))["subject"] == "Só esta"


@case("groups.leave")
def _(world):
    id = new_group(world)
    world.python.groups.leave(world.session, id)
    until("we are out", lambda: ME not in str(world.phone.records("group")[id]["participants"]))


@case("groups.update_subject")
def _(world):
    id = new_group(world, "Antigo nome")
    world.python.groups.update_subject(world.session, id, "Novo nome")
    until("the subject is another", lambda: group(world, id)["subject"] == "Novo nome")


@case("groups.update_description")
def _(world):
    id = new_group(world)
    for description in ("Sobre nós", ""):
        world.python.groups.update_description(world.session, id, description)
        until("the description is another", lambda: group(world, id)["description"] == description)


@case("groups.revoke_invite_code")
def _(world):
    id = new_group(world)
    before = world.waha.groups.get_invite_code(world.session, id)
    after = world.python.groups.revoke_invite_code(world.session, id)
    assert after != before and world.waha.groups.get_invite_code(world.session, id) == after


@case("groups.get_picture")
def _(world):
    id = new_group(world)
    world.waha.groups.set_picture(id=id, session=world.session, payload={"file": base64_file(PNG, "image/png")})
    until("it has a picture", lambda: world.python.groups.get_picture(world.session, id, accept_json=True)["url"])


@case("groups.add_participants")
def _(world):
    id = new_group(world)
    world.python.groups.add_participants(world.session, id, [BEA_ID])
    until("Bea is in", lambda: role(world, id, BEA_ID))


@case("groups.remove_participants")
def _(world):
    id = new_group(world)
    world.python.groups.remove_participants(world.session, id, [ANA_ID])
    until("Ana is out", lambda: not role(world, id, ANA_ID))


@case("groups.promote_admin")
def _(world):
    id = new_group(world)
    world.python.groups.promote_admin(world.session, id, [ANA_ID])
    until("Ana is an admin", lambda: role(world, id, ANA_ID) == "admin")


@case("groups.demote_admin")
def _(world):
    id = new_group(world)
    world.python.groups.promote_admin(world.session, id, [ANA_ID])
    until("Ana is an admin", lambda: role(world, id, ANA_ID) == "admin")
    world.python.groups.demote_admin(world.session, id, [ANA_ID])
    until("Ana is none", lambda: role(world, id, ANA_ID) == "participant")


def channel(world, name):
    return world.python.channels.create(world.session, name, description="d")["id"]


def known(world):
    return {one["id"]: one for one in world.waha.channels.list(world.session)}


@case("channels.create")
def _(world):
    made = channel(world, "Notícias")
    assert known(world)[made]["role"] == "OWNER" and known(world)[made]["name"] == "Notícias"


@case("channels.get")
def _(world):
    assert world.python.channels.get(world.session, channel(world, "Só este"))["name"] == "Só este"


@case("channels.delete")
def _(world):
    made = channel(world, "A apagar")
    world.python.channels.delete(world.session, made)
    until("the channel is gone", lambda: made not in known(world))


def status_row(world, answer, kind):
    row = sent(world, "the status", id=answer["id"])
    assert row["type"] == kind and "status@broadcast" in str(row["to"]), row
    return row


@case("status.send_text")
def _(world):
    assert "bom dia" in str(status_row(world, world.python.status.send_text(world.session, "bom dia"), "chat"))


@case("status.send_image")
def _(world):
    file = base64_file(PNG, "image/png")
    row = status_row(world, world.python.status.send_image(world.session, file, caption="o dia"), "image")
    assert row["caption"] == "o dia", row


@case("status.send_voice")
def _(world):
    status_row(world, world.python.status.send_voice(world.session, base64_file(OGG, "audio/ogg; codecs=opus")), "ptt")


@case("status.send_video")
def _(world):
    status_row(world, world.python.status.send_video(world.session, base64_file(MP4, "video/mp4")), "video")


@case("status.delete")
def _(world):
    posted = world.python.status.send_text(world.session, "engano")["id"]
    world.python.status.delete(world.session, posted)
    sent(world, "the revocation", type="revoke", about=posted)


@case("status.get_new_message_id")
def _(world):
    new = world.python.status.get_new_message_id(world.session)["id"]
    posted = world.waha.status.send_text_status(world.session, {"text": "a", "backgroundColor": "#000000", "font": 0, "id": new})
    assert new in posted["id"].split("_"), posted
