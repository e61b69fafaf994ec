"""Linking an account that asks for a passkey, by the SDK's four calls. The account's owner signs in software here: what a
browser would sign on WhatsApp's origin."""

import base64
import hashlib
import json
import secrets

from waha import models

from cases.waha_py import case
from harness import model
from world import until

SESSION, NUMBER = "chave", "5511900001299"
CREDENTIAL = "Y2hhdmU"

# P-256 (FIPS 186-4, D.1.2.3), by the affine formulas: slow, and enough for some signatures of a test.
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(one, other):
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = (3 * one[0] ** 2 - 3) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope**2 - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def times(factor, point):
    total = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def integer(number):
    """As DER has it."""
    data = number.to_bytes(33, "big").lstrip(b"\0")
    data = b"\0" + data if data[0] & 0x80 else data
    return b"\x02" + bytes([len(data)]) + data


class Owner:
    """Whose account it is."""

    def __init__(self):
        self.key = secrets.randbelow(N - 1) + 1
        x, y = times(self.key, G)
        self.public_key = text(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))

    def sign(self, challenge):
        client = {"type": "webauthn.get", "challenge": challenge.challenge, "origin": "https://web.whatsapp.com"}
        client = json.dumps({**client, "crossOrigin": False}).encode()
        data = hashlib.sha256(challenge.rpId.encode()).digest() + b"\x05\0\0\0\1"
        digest = int.from_bytes(hashlib.sha256(data + hashlib.sha256(client).digest()).digest(), "big")
        once = secrets.randbelow(N - 1) + 1
        r = times(once, G)[0] % N
        s = pow(once, -1, N) * (digest + r * self.key) % N
        numbers = integer(r) + integer(s)
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(b"\x30" + bytes([len(numbers)]) + numbers),
        }
        wish = {"id": CREDENTIAL, "rawId": CREDENTIAL, "type": "public-key", "response": response}
        return model(models.PasskeyAssertionRequest, wish)


def status(world):
    return world.waha.sessions.get(SESSION)["status"]


def scanned(world):
    """A session whose code the owner's phone has scanned, and what has to be signed."""
    owner = Owner()
    world.phone.post("/phone/passkey", number=NUMBER, id=CREDENTIAL, public_key=owner.public_key, compare=True)
    world.waha.sessions.create({"name": SESSION})
    code = until("a code", lambda: world.waha.auth.get_qr(SESSION, params={"format": "raw"}).get("value"))
    assert world.phone.scan(code, NUMBER)["passkey"]
    until("a passkey is asked for", lambda: status(world) == "PASSKEY_REQUIRED")
    challenge = model(models.PasskeyChallenge, world.waha.auth.get_passkey_challenge(SESSION))
    return owner, challenge


def signed(world):
    """The same, and the code that has to be compared."""
    owner, challenge = scanned(world)
    world.waha.auth.submit_passkey(SESSION, owner.sign(challenge))
    until("a code has to be compared", lambda: status(world) == "PASSKEY_CONFIRMATION_REQUIRED")
    return model(models.PasskeyConfirmationResponse, world.waha.auth.get_passkey_confirmation(SESSION)).code


def end(world):
    world.waha.sessions.delete(SESSION)


@case("auth.get_passkey_challenge")
def _(world):
    _, challenge = scanned(world)
    assert (challenge.rpId, challenge.userVerification, challenge.timeout) == ("whatsapp.com", "required", 600_000)
    end(world)


@case("auth.submit_passkey")
def _(world):
    signed(world)
    end(world)


@case("auth.get_passkey_confirmation")
def _(world):
    code = signed(world)
    shown = [page["passkey"]["code"] for page in world.phone.get("/phone/pages")["pages"] if page["passkey"]]
    assert code.replace("-", "") in shown, "the phone shows the same"
    end(world)


@case("auth.confirm_passkey")
def _(world):
    signed(world)
    world.waha.auth.confirm_passkey(SESSION)
    world.works(SESSION)
    end(world)
