"""Groups, their settings and members."""

from waha import models

from cases import PNG, base64_file
from cases.waha_py import case
from harness import model
from world import ANA, BEA, until

ANA_ID, BEA_ID = f"{ANA}@c.us", f"{BEA}@c.us"


def group(world, id=None):
    return model(models.GroupInfo, world.waha.groups.get_group(world.session, id or world.group))


def member(world, who, id=None):
    found = model(models.GroupParticipant, world.waha.groups.get_group_participants(world.session, id or world.group))
    return {one.pn or one.id: one.role.value for one in found}.get(who)


@case("groups.create_group")
def _(world):
    made = model(models.GroupInfo, world.waha.groups.create_group(
        world.session, models.CreateGroupRequest(name="Nova turma", participants=[models.Participant(id=ANA_ID)])
    ))  # fmt: skip
    assert made.id.endswith("@g.us") and made.subject == "Nova turma"
    assert group(world, made.id).subject == "Nova turma"


@case("groups.get_groups")
def _(world):
    mine = world.group
    found = model(models.GroupInfo, world.waha.groups.get_groups(world.session, params={"sortBy": "subject"}))
    assert mine in {one.id for one in found}


@case("groups.get_groups_count")
def _(world):
    assert world.group
    assert model(models.CountResponse, world.waha.groups.get_groups_count(world.session)).count >= 1


@case("groups.refresh_groups")
def _(world):
    assert world.waha.groups.refresh_groups(world.session)["success"]


@case("groups.get_group")
def _(world):
    assert group(world).subject == "Turma"


@case("groups.set_subject")
def _(world):
    id = world.new_group("Antigo nome")
    world.waha.groups.set_subject(world.session, id, {"subject": "Novo nome"})
    until("the subject is another", lambda: group(world, id).subject == "Novo nome")


@case("groups.set_description")
def _(world):
    world.waha.groups.set_description(world.session, world.group, {"description": "Sobre nós"})
    until("the description is another", lambda: group(world).description == "Sobre nós")


def setting(operation, set_, get, field):
    """A pair of operations for each setting: each is shown by the other."""

    @case(f"groups.{set_}")
    def _(world):
        for value in (True, False):
            getattr(world.waha.groups, set_)(world.session, world.group, {field: value})
            until("it is set", lambda: getattr(world.waha.groups, get)(world.session, world.group)[field] is value)

    @case(f"groups.{get}")
    def _(world):
        found = getattr(world.waha.groups, get)(world.session, world.group)
        assert isinstance(getattr(model(operation, found), field), bool)


setting(models.SettingsSecurityChangeInfo, "set_info_admin_only", "get_info_admin_only", "adminsOnly")
setting(models.SettingsSecurityChangeInfo, "set_messages_admin_only", "get_messages_admin_only", "adminsOnly")
setting(models.SettingsMemberAddMode, "set_member_add_mode", "get_member_add_mode", "membersCanAddNewMember")
setting(
    models.SettingsMemberShareHistoryMode,
    "set_member_share_history_mode",
    "get_member_share_history_mode",
    "membersCanShareHistory",
)
setting(
    models.SettingsMembershipApproval,
    "set_membership_approval_mode",
    "get_membership_approval_mode",
    "newMembersApprovalRequired",
)


@case("groups.set_picture")
def _(world):
    world.waha.groups.set_picture(id=world.group, session=world.session, payload={"file": base64_file(PNG, "image/png")})
    until("it has a picture", lambda: world.waha.groups.get_chat_picture(world.session, world.group)["url"])


@case("groups.get_chat_picture")
def _(world):
    id = world.new_group("Com foto")
    picture = lambda: model(models.ChatPictureResponse, world.waha.groups.get_chat_picture(world.session, id)).url
    assert not picture()
    world.waha.groups.set_picture(id=id, session=world.session, payload={"file": base64_file(PNG, "image/png")})
    until("it is shown", picture)


@case("groups.delete_picture")
def _(world):
    world.waha.groups.set_picture(id=world.group, session=world.session, payload={"file": base64_file(PNG, "image/png")})
    until("it has a picture", lambda: world.waha.groups.get_chat_picture(world.session, world.group)["url"])
    world.waha.groups.delete_picture(id=world.group, session=world.session)
    picture = lambda: world.waha.groups.get_chat_picture(world.session, world.group, params={"refresh": True})["url"]
    until("it has none", lambda: not picture())


@case("groups.get_participants")
def _(world):
    found = world.waha.groups.get_participants(world.session, world.group)
    assert ANA_ID in {one["pn"] or one["id"] for one in found}, found


@case("groups.get_group_participants")
def _(world):
    assert member(world, ANA_ID) == "participant"


@case("groups.add_participants")
def _(world):
    id = world.new_group("A crescer")
    world.waha.groups.add_participants(world.session, id, {"participants": [{"id": BEA_ID}]})
    until("Bea is in", lambda: member(world, BEA_ID, id))


@case("groups.remove_participants")
def _(world):
    id = world.new_group("A encolher")
    world.waha.groups.remove_participants(world.session, id, {"participants": [{"id": ANA_ID}]})
    until("Ana is out", lambda: not member(world, ANA_ID, id))


@case("groups.promote_to_admin")
def _(world):
    id = world.new_group("Com chefe")
    world.waha.groups.promote_to_admin(world.session, id, {"participants": [{"id": ANA_ID}]})
    until("Ana is an admin", lambda: member(world, ANA_ID, id) == "admin")


@case("groups.demote_to_admin")
def _(world):
    id = world.new_group("Sem chefe")
    world.waha.groups.promote_to_admin(world.session, id, {"participants": [{"id": ANA_ID}]})
    until("Ana is an admin", lambda: member(world, ANA_ID, id) == "admin")
    world.waha.groups.demote_to_admin(world.session, id, {"participants": [{"id": ANA_ID}]})
    until("Ana is none", lambda: member(world, ANA_ID, id) == "participant")


@case("groups.get_invite_code")
def _(world):
    code = world.waha.groups.get_invite_code(world.session, world.group)
    assert isinstance(code, str) and len(code) > 3


@case("groups.revoke_invite_code")
def _(world):
    before = world.waha.groups.get_invite_code(world.session, world.group)
    after = world.waha.groups.revoke_invite_code(world.session, world.group)
    assert after != before
    assert world.waha.groups.get_invite_code(world.session, world.group) == after


def foreign_group(world, id, code, **more):
    """A group of somebody else that an invitation leads to."""
    participants = [{"id": BEA_ID, "admin": True}]
    world.phone.post("/phone/group", id=id, by=BEA_ID, set={
        "subject": "De outros", "participants": participants, "invite": code, **more,
    })  # fmt: skip


@case("groups.join_info_group")
def _(world):
    foreign_group(world, "120363000000000001@g.us", "ConviteUm1")
    found = world.waha.groups.join_info_group(world.session, params={"code": "https://chat.whatsapp.com/ConviteUm1"})
    assert model(models.GroupInfo, found).subject == "De outros"


@case("groups.join_group")
def _(world):
    foreign_group(world, "120363000000000002@g.us", "ConviteDois2")
    joined = model(models.JoinGroupResponse, world.waha.groups.join_group(world.session, {"code": "ConviteDois2"}))
    assert joined.id == "120363000000000002@g.us"
    until("it is one of ours", lambda: joined.id in {one["id"] for one in world.waha.groups.get_groups(world.session)})


@case("groups.leave_group")
def _(world):
    id = world.new_group("A deixar")
    world.waha.groups.leave_group(world.session, id)
    until("we are out", lambda: left(world, id))


def left(world, id):
    record = world.phone.records("group").get(id)
    return record and world_number(world) not in str(record["participants"])


def world_number(world):
    return world.waha.sessions.get_me(world.session)["id"].split("@")[0]


@case("groups.delete_group")
def _(world):
    id = world.new_group("A apagar")
    world.waha.groups.delete_group(world.session, id)
    until("the chat is gone", lambda: id not in {chat["id"] for chat in world.waha.chats.get_chats(world.session)})


def request_to_join(world, who):
    """Somebody asks to be let into a group of ours."""
    id = world.new_group("Com porta")
    world.waha.groups.set_membership_approval_mode(world.session, id, {"newMembersApprovalRequired": True})
    requests = [{"id": who, "requester": who, "timestamp": 1_700_000_000, "method": "InviteLink"}]
    world.phone.post("/phone/group", id=id, by=who, set={"requests": requests})
    until("somebody asks", lambda: world.waha.groups.get_group_join_requests(world.session, id))
    return id


@case("groups.get_group_join_requests")
def _(world):
    id = request_to_join(world, BEA_ID)
    found = model(models.GroupJoinRequest, world.waha.groups.get_group_join_requests(world.session, id))
    assert [(one.requesterPn, one.requesterId.split("@")[1]) for one in found] == [(BEA_ID, "lid")], found


@case("groups.approve_group_join_requests")
def _(world):
    id = request_to_join(world, BEA_ID)
    answer = world.waha.groups.approve_group_join_requests(world.session, id, {"participants": [{"id": BEA_ID}]})
    assert [one.success for one in model(models.GroupJoinRequestResult, answer)] == [True]
    until("Bea is in", lambda: member(world, BEA_ID, id))


@case("groups.reject_group_join_requests")
def _(world):
    id = request_to_join(world, BEA_ID)
    answer = world.waha.groups.reject_group_join_requests(world.session, id, {"participants": [{"id": BEA_ID}]})
    assert [one.success for one in model(models.GroupJoinRequestResult, answer)] == [True]
    until("nobody asks", lambda: world.waha.groups.get_group_join_requests(world.session, id) == [])
    assert not member(world, BEA_ID, id)
