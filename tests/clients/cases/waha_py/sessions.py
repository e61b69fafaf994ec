"""Sessions, linking, keys and the service itself."""

import base64

from waha import models

from cases.waha_py import case
from harness import model
from world import ME, until


def status(world, session):
    return world.waha.sessions.get(session)["status"]


def fresh(world, name, link=False, number="5511900001234"):
    """A session of its own for what stops or deletes it."""
    world.waha.sessions.create({"name": name, "start": link})
    if link:
        world.link(name, number)
    return name


@case("ping.ping")
def _(world):
    assert model(models.PingResponse, world.waha.ping.ping()).message == "pong"


@case("health.check")
def _(world):
    assert world.waha.health.check()["status"] == "ok"


@case("version.get")
def _(world):
    assert model(models.WAHAEnvironment, world.waha.version.get()).engine == "WEBJS"


@case("server.get")
def _(world):
    assert model(models.WAHAEnvironment, world.waha.server.get()).version


@case("server.status")
def _(world):
    assert model(models.ServerStatusResponse, world.waha.server.status()).uptime > 0


@case("sessions.create")
def _(world):
    config = {"metadata": {"team": "a"}, "debug": False}
    made = world.waha.sessions.create({"name": world.session, "start": True, "config": config})
    info = model(models.SessionInfo, made)
    assert info.name == world.session and info.config.metadata == {"team": "a"}
    assert info.status.value in ("STARTING", "SCAN_QR_CODE")


@case("auth.get_qr")
def _(world):
    until("the code is shown", lambda: status(world, world.session) == "SCAN_QR_CODE")
    file = model(models.Base64File, until("a picture", lambda: world.waha.auth.get_qr(world.session)))
    assert base64.b64decode(file.data).startswith(b"\x89PNG")
    model(models.QRCodeValue, world.waha.auth.get_qr(world.session, params={"format": "raw"}))
    world.link(world.session)


@case("sessions.get")
def _(world):
    info = model(models.SessionInfo, world.waha.sessions.get(world.session))
    assert info.status == models.Status.WORKING and info.me.id == f"{ME}@c.us"


@case("sessions.get_me")
def _(world):
    assert model(models.MeInfo, world.waha.sessions.get_me(world.session)).id == f"{ME}@c.us"


@case("sessions.fetch_reachout_timelock")
def _(world):
    world.phone.post("/phone/timelock", number=ME, active=True, seconds=3600)
    try:
        lock = model(models.ReachoutTimelockData, world.waha.sessions.fetch_reachout_timelock(world.session))
        assert lock.isActive and lock.enforcementType.value == "DEFAULT"
        me = lambda: model(models.MeInfo, world.waha.sessions.get_me(world.session))
        assert until("me has it, too", lambda: me().reachoutTimelock).timeEnforcementEnds == lock.timeEnforcementEnds
    finally:
        world.phone.post("/phone/timelock", number=ME, active=False)


@case("sessions.fetch_message_capping")
def _(world):
    world.phone.post("/phone/capping", number=ME, status="FIRST_WARNING", total=50, used=40)
    quota = model(models.MessageCappingData, world.waha.sessions.fetch_message_capping(world.session))
    assert (quota.cappingStatus.value, quota.totalQuota, quota.usedQuota) == ("FIRST_WARNING", 50, 40)
    world.phone.post("/phone/capping", number=ME, status="NONE")


@case("sessions.list")
def _(world):
    fresh(world, "parada")
    shown = model(models.SessionInfo, world.waha.sessions.list())
    everyone = model(models.SessionInfo, world.waha.sessions.list(params={"all": True}))
    assert "parada" not in {s.name for s in shown} and world.session in {s.name for s in shown}
    assert "parada" in {s.name for s in everyone}


@case("sessions.update")
def _(world):
    name = fresh(world, "mudada")
    webhook = {"url": "http://127.0.0.1:9/x", "events": ["message"], "hmac": {"key": "segredo"}}
    changed = world.waha.sessions.update(name, {"config": {"metadata": {"b": "2"}, "webhooks": [webhook]}})
    assert changed["config"]["webhooks"][0]["url"] == webhook["url"]
    assert world.waha.sessions.get(name)["config"]["metadata"] == {"b": "2"}
    assert world.waha.sessions.get(world.session)["config"].get("metadata") != {"b": "2"}


@case("sessions.start")
def _(world):
    name = fresh(world, "iniciada")
    model(models.SessionDTO, world.waha.sessions.start(name))
    model(models.SessionDTO, world.waha.sessions.start(name))
    until("it shows a code", lambda: status(world, name) == "SCAN_QR_CODE")
    world.waha.sessions.delete(name)


@case("sessions.stop")
def _(world):
    name = fresh(world, "a_parar", link=True)
    for _ in range(2):
        assert model(models.SessionDTO, world.waha.sessions.stop(name)).status == models.Status.STOPPED
    pages = world.phone.get("/phone/pages")["pages"]
    assert not [page for page in pages if page["number"] == "5511900001234"]
    world.waha.sessions.start(name)
    world.works(name)
    world.waha.sessions.delete(name)


@case("sessions.restart")
def _(world):
    name = fresh(world, "reiniciada", link=True)
    before = {page["page"] for page in world.phone.get("/phone/pages")["pages"] if page["number"] == "5511900001234"}
    model(models.SessionDTO, world.waha.sessions.restart(name))

    def again():
        pages = world.phone.get("/phone/pages")["pages"]
        return [p for p in pages if p["number"] == "5511900001234" and p["page"] not in before]

    until("another page of the same number", again)
    world.works(name)
    world.waha.sessions.delete(name)


@case("sessions.logout")
def _(world):
    name = fresh(world, "a_sair", link=True)
    model(models.SessionDTO, world.waha.sessions.logout(name))
    devices = [n for n in world.phone.get("/phone/numbers")["numbers"] if n["number"] == "5511900001234"][0]["devices"]
    assert all(device["logged_out"] for device in devices), devices
    until("a new code is shown", lambda: status(world, name) == "SCAN_QR_CODE")
    world.waha.sessions.delete(name)


@case("sessions.delete")
def _(world):
    name = fresh(world, "a_apagar", link=True)
    world.waha.sessions.delete(name)
    names = {session["name"] for session in world.waha.sessions.list(params={"all": True})}
    assert name not in names
    devices = [n for n in world.phone.get("/phone/numbers")["numbers"] if n["number"] == "5511900001234"][0]["devices"]
    assert all(device["logged_out"] for device in devices), devices


@case("sessions.depracated_start")
def _(world):
    model(models.SessionDTO, world.waha.sessions.depracated_start({"name": "antiga"}))
    until("it starts", lambda: status(world, "antiga") in ("STARTING", "SCAN_QR_CODE"))
    until("it shows a code", lambda: status(world, "antiga") == "SCAN_QR_CODE")


@case("sessions.deprecated_stop")
def _(world):
    world.waha.sessions.depracated_start({"name": "antiga2"})
    world.waha.sessions.deprecated_stop({"name": "antiga2"})
    assert status(world, "antiga2") == "STOPPED"


@case("sessions.deprecated_logout")
def _(world):
    world.waha.sessions.depracated_start({"name": "antiga3"})
    world.waha.sessions.deprecated_logout({"name": "antiga3"})
    assert "antiga3" not in {s["name"] for s in world.waha.sessions.list(params={"all": True})}


@case("auth.request_code")
def _(world):
    name = "por_codigo"
    world.waha.sessions.create({"name": name})
    until("it shows a code", lambda: status(world, name) == "SCAN_QR_CODE")

    def paired():
        code = world.waha.auth.request_code(name, {"phoneNumber": "+55 11 90000-4321"})["code"]
        assert len(code) == 9 and code[4] == "-", code
        world.phone.post("/phone/pair", code=code, number="5511900004321")
        return True

    # The page may be between two codes when it is asked.
    until("the phone is linked by a typed code", paired)
    world.works(name)
    world.waha.sessions.delete(name)


@case("api_keys.create")
def _(world):
    wish = {"isAdmin": False, "isActive": True, "session": world.session, "actions": {"read": True}}
    key = model(models.ApiKeyDTO, world.waha.api_keys.create(wish))
    limited = type(world.waha)(base_url=world.address, api_key=key.key)
    assert {session["name"] for session in limited.sessions.list(params={"all": True})} == {world.session}
    limited.close()


@case("api_keys.list")
def _(world):
    made = world.waha.api_keys.create({"isAdmin": False, "isActive": True, "session": world.session})
    keys = model(models.ApiKeyDTO, world.waha.api_keys.list())
    assert made["id"] in {key.id for key in keys} and made["key"] not in {key.key for key in keys}


@case("api_keys.update")
def _(world):
    made = world.waha.api_keys.create({"isAdmin": False, "isActive": True, "session": world.session})
    changed = world.waha.api_keys.update(made["id"], {"isAdmin": False, "isActive": False, "session": world.session})
    assert not model(models.ApiKeyDTO, changed).isActive


@case("api_keys.delete")
def _(world):
    made = world.waha.api_keys.create({"isAdmin": False, "isActive": True, "session": world.session})
    world.waha.api_keys.delete(made["id"])
    assert made["id"] not in {key["id"] for key in world.waha.api_keys.list()}


@case("api_keys.media")
def _(world):
    key = model(models.ApiKeyDTO, world.waha.api_keys.media({"session": world.session}))
    assert key.session == world.session and not key.isAdmin


@case("api_keys.control")
def _(world):
    key = model(models.ApiKeyDTO, world.waha.api_keys.control({"session": world.session}))
    assert key.actions.control and not key.actions.read
