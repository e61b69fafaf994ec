"""Groups, their settings and members."""

from cases.n8n import SUITE
from world import ANA, until


def group(world, id):
    return world.waha.groups.get_group(world.session, id)


def roles(world, id):
    return {one["pn"] or one["id"]: one["role"] for one in world.waha.groups.get_participants(world.session, id)}


def who(recorded):
    """The one member that the request names."""
    return recorded["body"]["participants"][0]["id"]


def with_member(world, recorded, name):
    """A new group in which that one is."""
    wish = {"name": name, "participants": [{"id": who(recorded)}]}
    return world.waha.groups.create_group(world.session, wish)["id"]


@SUITE.show("Groups / Create Group")
def _(world, ask, recorded):
    made = ask()
    assert made["subject"] == recorded["body"]["name"] and roles(world, made["id"])[who(recorded)] == "participant"


@SUITE.show("Groups / Get Groups")
def _(world, ask, _):
    assert world.group in {one["id"] for one in ask()}


@SUITE.show("Groups / Get Group")
def _(world, ask, _):
    assert ask(group=world.group)["subject"] == "Turma"


def setting(operation, set_, get):
    @SUITE.show(f"Groups / Set {operation}")
    def _(world, ask, recorded):
        getattr(world.waha.groups, set_)(world.session, world.group, {"adminsOnly": False})
        assert ask(group=world.group)["success"]
        until("it is set", lambda: getattr(world.waha.groups, get)(world.session, world.group) == {"adminsOnly": True})

    @SUITE.show(f"Groups / Get {operation}")
    def _(world, ask, _):
        for value in (True, False):
            getattr(world.waha.groups, set_)(world.session, world.group, {"adminsOnly": value})
            until("it is told", lambda: ask(group=world.group) == {"adminsOnly": value})


setting("Info Admin Only", "set_info_admin_only", "get_info_admin_only")
setting("Messages Admin Only", "set_messages_admin_only", "get_messages_admin_only")


@SUITE.show("Groups / Set Description")
def _(world, ask, _):
    world.waha.groups.set_description(world.session, world.group, {"description": "Sobre nós"})
    until("there is one", lambda: group(world, world.group)["description"] == "Sobre nós")
    ask(group=world.group)
    until("there is none", lambda: group(world, world.group)["description"] == "")


@SUITE.show("Groups / Set Subject")
def _(world, ask, recorded):
    id = world.new_group("Antigo nome")
    ask(group=id)
    until("the subject is another", lambda: group(world, id)["subject"] == recorded["body"]["subject"])


@SUITE.show("Groups / Get Invite Code")
def _(world, ask, _):
    code = ask(group=world.group)
    assert code == world.waha.groups.get_invite_code(world.session, world.group) and len(code) > 3


@SUITE.show("Groups / Revoke Invite Code")
def _(world, ask, _):
    before = world.waha.groups.get_invite_code(world.session, world.group)
    after = ask(group=world.group)
    assert after != before and world.waha.groups.get_invite_code(world.session, world.group) == after


@SUITE.show("Groups / Get Participants")
def _(world, ask, _):
    assert f"{ANA}@c.us" in {one["pn"] or one["id"] for one in ask(group=world.group)}


@SUITE.show("Groups / Add Participants")
def _(world, ask, recorded):
    id = world.new_group("A crescer")
    assert [one["success"] for one in ask(group=id)] == [True]
    until("it has one more", lambda: who(recorded) in roles(world, id))


@SUITE.show("Groups / Remove Participants")
def _(world, ask, recorded):
    id = with_member(world, recorded, "A encolher")
    ask(group=id)
    until("it has one less", lambda: who(recorded) not in roles(world, id))


@SUITE.show("Groups / Promote To Admin")
def _(world, ask, recorded):
    id = with_member(world, recorded, "Com chefe")
    ask(group=id)
    until("there is another admin", lambda: roles(world, id)[who(recorded)] == "admin")


@SUITE.show("Groups / Demote To Admin")
def _(world, ask, recorded):
    id = with_member(world, recorded, "Sem chefe")
    world.waha.groups.promote_to_admin(world.session, id, {"participants": [{"id": who(recorded)}]})
    until("there is another admin", lambda: roles(world, id)[who(recorded)] == "admin")
    ask(group=id)
    until("there is none", lambda: roles(world, id)[who(recorded)] == "participant")
