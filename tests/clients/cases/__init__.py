"""The cases, one package per client. Each shows its operation by what the phone saw or by the data that came back."""

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
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP////////////////////////////////////////////////////////////////////////"
    "//////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z"
)
OGG = b"OggS" + bytes(60)
MP4 = b"\0\0\0\x18ftypmp42" + bytes(60)
#: What the file server of the run has. The last three are those that the n8n node names by itself.
EXAMPLES = "/devlikeapro/waha/raw/core/examples/"
FILES = {
    "/picture.png": ("image/png", PNG),
    EXAMPLES + "dev.likeapro.jpg": ("image/jpeg", JPEG),
    EXAMPLES + "dev.likeapro.opus": ("audio/ogg", OGG),
    EXAMPLES + "video.mp4": ("video/mp4", MP4),
}


def base64_file(data, mimetype, filename=None):
    file = {"mimetype": mimetype, "data": base64.b64encode(data).decode()}
    return {**file, "filename": filename} if filename else file
