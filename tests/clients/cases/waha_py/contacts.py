"""Contacts and lids."""

from waha import models

from cases.waha_py.chatting import TO
from cases.waha_py import case
from harness import model
from world import ANA, BEA, until


@case("contacts.get_all")
def _(world):
    everyone = world.waha.contacts.get_all({"session": world.session})
    assert TO in {one["id"] for one in everyone}
    page = world.waha.contacts.get_all({"session": world.session, "limit": 1, "offset": 1, "sortBy": "id"})
    assert page == [sorted(everyone, key=lambda one: one["id"])[1]]


@case("contacts.get")
def _(world):
    found = world.waha.contacts.get({"session": world.session, "contactId": ANA})
    assert (found["id"], found["name"]) == (TO, "Ana"), found


@case("contacts_session.get")
def _(world):
    assert world.waha.contacts_session.get(world.session, TO)["name"] == "Ana"


@case("contacts.check_exists")
def _(world):
    check = world.waha.contacts.check_exists
    found = model(models.WANumberExistResult, check({"session": world.session, "phone": ANA}))
    assert found.numberExists and found.chatId == TO
    absent = model(models.WANumberExistResult, check({"session": world.session, "phone": "5511900000000"}))
    assert not absent.numberExists


@case("contacts.get_about")
def _(world):
    world.phone.post("/phone/records/person", id=ANA, value={"about": "Ocupada"})
    assert world.waha.contacts.get_about({"session": world.session, "contactId": ANA})["about"] == "Ocupada"


@case("contacts.get_profile_picture")
def _(world):
    world.phone.post("/phone/records/person", id=ANA, value={"picture": "/sim/ana.png"})
    asked = {"session": world.session, "contactId": ANA, "refresh": True}
    assert world.waha.contacts.get_profile_picture(asked)["profilePictureURL"].endswith("/sim/ana.png")


def blocked(world):
    return world.waha.contacts.get({"session": world.session, "contactId": BEA})["isBlocked"]


@case("contacts.block")
def _(world):
    world.waha.contacts.block({"session": world.session, "contactId": BEA})
    until("Bea is blocked", lambda: blocked(world))
    world.waha.contacts.unblock({"session": world.session, "contactId": BEA})


@case("contacts.unblock")
def _(world):
    world.waha.contacts.block({"session": world.session, "contactId": BEA})
    until("Bea is blocked", lambda: blocked(world))
    world.waha.contacts.unblock({"session": world.session, "contactId": BEA})
    until("Bea is let through", lambda: not blocked(world))


@case("contacts_session.put")
def _(world):
    number = "5511944443333"
    world.waha.contacts_session.put(world.session, f"{number}@c.us", {"firstName": "Davi", "lastName": "Reis"})
    until("Davi is in the book", lambda: "Davi" in (world.waha.contacts_session.get(world.session, number)["name"] or ""))


LID, WITH_LID = "10000000000042@lid", "5511933332222"


def meet(world):
    """Somebody writes from behind a lid, so that both ids are known."""
    world.incoming("de trás de um lid", sender=LID, pn=WITH_LID)


@case("lids.get_all")
def _(world):
    meet(world)
    pairs = model(models.LidToPhoneNumber, world.waha.lids.get_all(world.session, params={"limit": 100}))
    assert (LID, f"{WITH_LID}@c.us") in {(pair.lid, pair.pn) for pair in pairs}, pairs


@case("lids.get_lids_count")
def _(world):
    meet(world)
    assert model(models.CountResponse, world.waha.lids.get_lids_count(world.session)).count >= 1


@case("lids.find_pn_by_lid")
def _(world):
    meet(world)
    pair = model(models.LidToPhoneNumber, world.waha.lids.find_pn_by_lid(world.session, LID))
    assert pair.pn == f"{WITH_LID}@c.us", pair


@case("lids.find_lid_by_phone_number")
def _(world):
    meet(world)
    pair = model(models.LidToPhoneNumber, world.waha.lids.find_lid_by_phone_number(world.session, WITH_LID))
    assert pair.lid == LID, pair
