"""Sessions, linking and the own profile."""

import base64

from cases import PNG, base64_file
from cases.waha_python import case
from world import ME, until

OTHER = "5511900001234"


def status(world, name):
    return world.python.sessions.get(name)["status"]


def fresh(world, name, link=False):
    """A session of its own for what stops or deletes it."""
    world.python.sessions.create(name, start=link)
    if link:
        world.link(name, OTHER)
    return name


def all_logged_out(world):
    devices = [one for one in world.phone.get("/phone/numbers")["numbers"] if one["number"] == OTHER][0]["devices"]
    return all(device["logged_out"] for device in devices)


@case("sessions.create")
def _(world):
    made = world.python.sessions.create(world.session, config={"metadata": {"team": "a"}, "noweb": {"markOnline": True}})
    assert (made["name"], made["config"]["metadata"]) == (world.session, {"team": "a"}), made
    assert made["config"]["noweb"] == {"markOnline": True}, "what means nothing here is kept"


@case("sessions.get_qr")
def _(world):
    until("the code is shown", lambda: status(world, world.session) == "SCAN_QR_CODE")
    picture = until("a picture", lambda: world.python.sessions.get_qr(world.session))
    assert base64.b64decode(picture["data"]).startswith(b"\x89PNG")
    code = until("a code", lambda: world.python.sessions.get_qr(world.session, format="raw")["value"])
    world.phone.scan(code)
    world.works(world.session)


@case("sessions.get")
def _(world):
    found = world.python.sessions.get(world.session)
    assert (found["status"], found["me"]["id"]) == ("WORKING", f"{ME}@c.us"), found


@case("sessions.update")
def _(world):
    name = fresh(world, "mudada")
    world.python.sessions.update(name, {"metadata": {"b": "2"}})
    assert world.python.sessions.get(name)["config"] == {"metadata": {"b": "2"}}


@case("sessions.start")
def _(world):
    name = fresh(world, "iniciada")
    world.python.sessions.start(name)
    until("it shows a code", lambda: status(world, name) == "SCAN_QR_CODE")
    world.python.sessions.delete(name)


@case("sessions.stop")
def _(world):
    name = fresh(world, "a_parar")
    world.python.sessions.start(name)
    until("it shows a code", lambda: status(world, name) == "SCAN_QR_CODE")
    assert world.python.sessions.stop(name)["status"] == "STOPPED"
    assert status(world, name) == "STOPPED"


@case("sessions.restart")
def _(world):
    name = fresh(world, "reiniciada", link=True)
    of_it = lambda: {page["page"] for page in world.phone.get("/phone/pages")["pages"] if page["number"] == OTHER}
    before = of_it()
    world.python.sessions.restart(name)
    until("another page of the same number", lambda: of_it() - before)
    world.works(name)
    world.python.sessions.delete(name)


@case("sessions.logout")
def _(world):
    name = fresh(world, "a_sair", link=True)
    world.python.sessions.logout(name)
    assert all_logged_out(world)
    until("a new code is shown", lambda: status(world, name) == "SCAN_QR_CODE")
    world.python.sessions.delete(name)


@case("sessions.delete")
def _(world):
    name = fresh(world, "a_apagar", link=True)
    world.python.sessions.delete(name)
    assert name not in {one["name"] for one in world.waha.sessions.list(params={"all": "True"})}
    assert all_logged_out(world)


@case("sessions.request_code")
def _(world):
    name = fresh(world, "por_codigo")
    world.python.sessions.start(name)
    until("it shows a code", lambda: status(world, name) == "SCAN_QR_CODE")

    def paired():
        code = world.python.sessions.request_code(name, "+55 11 90000-4321")["code"]
        return world.phone.post("/phone/pair", code=code, number="5511900004321")

    # The page may be between two codes when it is asked.
    until("the phone is linked by a typed code", lambda: paired() is not None)
    world.works(name)
    world.python.sessions.delete(name)


@case("sessions.get_screenshot")
def _(world):
    picture = world.python.sessions.get_screenshot(world.session, accept_json=True)
    assert base64.b64decode(picture["data"]).startswith(b"\x89PNG")


@case("profile.get_picture_url")
def _(world):
    """It makes no request: the address that it gives has to lead somewhere."""
    world.waha.profile.set_profile_picture(world.session, {"file": base64_file(PNG, "image/png")})
    address = world.python.profile.get_picture_url(world.session)
    picture = until("there is a picture", lambda: world.raw("GET", address).json()["url"])
    assert picture == world.waha.profile.get_my_profile(world.session)["picture"]
