"""Colmeia for a Flask app: these five lines, and the check of a webhook's signature."""

import hashlib
import hmac
import io
import os

import segno

# --- the five lines of the README ---
import requests
COLMEIA = "http://127.0.0.1:5001"
def qr(user): return requests.get(f"{COLMEIA}/qr", params={"user_id": user}, timeout=45).json()
def status(user): return requests.get(f"{COLMEIA}/status", params={"user_id": user}, timeout=10).json()
def send(user, phone, message): return requests.post(f"{COLMEIA}/send", json={"user_id": user, "phone": phone, "message": message}, timeout=15)
# --- the end of the five lines ---

COLMEIA = os.environ.get("COLMEIA_URL", COLMEIA)


def picture(user):
    """The QR code as an SVG, or None while there is none."""
    code = qr(user).get("qr")
    if code is None:
        return None
    svg = io.BytesIO()
    segno.make(code, error="l", micro=False).save(svg, kind="svg", scale=4, light="#fff")
    return svg.getvalue()


def is_genuine(body, signature, key):
    """Whether these bytes were signed with this key: hex of an HMAC with SHA-512."""
    expected = hmac.new(key.encode(), body, hashlib.sha512).hexdigest()
    return hmac.compare_digest(expected, signature or "")
