"""The cases, one module per part of the SDK. Each shows its operation by what the phone saw or by typed data."""

import base64
import struct
import zlib


def png():
    """A picture of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


PNG = png()
#: What the file server of the run has.
FILES = {"/picture.png": ("image/png", PNG)}


def base64_file(data, mimetype, filename=None):
    file = {"mimetype": mimetype, "data": base64.b64encode(data).decode()}
    return {**file, "filename": filename} if filename else file


#: The session is made and linked by these, so they come first.
FIRST = ["ping.ping", "sessions.create", "auth.get_qr", "sessions.get"]
#: These end things that others need.
LAST = []


def prepare(world):
    """What the first cases leave behind, for a run of some."""
    world.waha.sessions.create({"name": world.session, "start": True})
    world.link(world.session)
