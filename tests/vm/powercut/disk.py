"""The virtual machine's disk: one that has a cache of its own and loses it with the power.

Owns the image and a server for it (NBD, as qemu speaks it, over a Unix socket). What the machine writes stays in memory
until the machine says "flush"; only then is it in the image. So whatever a program was told to be on disk without a
flush is lost at a cut, which killing qemu alone would not show: the host's kernel would still write it.
"""

import os
import socket
import struct
import subprocess
import threading

BLOCK = 4096
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
HAS_FLAGS, SEND_FLUSH = 1, 4
EXPORT_NAME, ABORT, GO = 1, 2, 7
ACK, INFO, UNSUPPORTED = 1, 3, (1 << 31) + 1
EIO, EINVAL = 5, 22


class Disk:
    """Serves one machine after the other."""

    def __init__(self, image, address):
        self.image = image
        self.address = address
        self.file = os.open(image, os.O_RDWR)
        self.size = os.fstat(self.file).st_size
        self.cache = {}  # block -> what no flush has brought to disk
        self.flushes = 0
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(address))
        self.listener.listen(1)
        self.idle = threading.Event()
        self.idle.set()
        threading.Thread(target=self._serve, daemon=True).start()

    def unflushed(self):
        """How many blocks would be lost now."""
        return len(self.cache)

    def lose(self, survives):
        """The power is gone. `survives(block)` says which blocks had left the cache in time, in whatever order; returns
        how many were lost. Call it when no machine runs."""
        if not self.idle.wait(30):
            raise TimeoutError("the machine is still connected to its disk")
        with self.lock:
            lost = self._keep(self.file, survives)
            self.cache.clear()
            return lost

    def freeze(self, copy, survives):
        """What would be left if the power went now, in a file of its own; returns how many blocks would be lost. The
        machine waits meanwhile."""
        with self.lock:
            subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
            file = os.open(copy, os.O_RDWR)
            try:
                return self._keep(file, survives)
            finally:
                os.close(file)

    def _keep(self, file, survives):
        lost = 0
        for block, contents in self.cache.items():
            if survives(block):
                os.pwrite(file, contents, block * BLOCK)
            else:
                lost += 1
        return lost

    def _serve(self):
        while True:
            peer, _ = self.listener.accept()
            self.idle.clear()
            try:
                with peer, peer.makefile("rwb", buffering=1 << 20) as stream:
                    if self._greet(stream):
                        self._obey(stream)
            except (ConnectionError, EOFError):
                pass  # the machine was killed
            finally:
                self.idle.set()

    def _greet(self, stream):
        """The handshake, "fixed newstyle"; whether a machine wants the disk."""
        stream.write(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
        stream.flush()
        _take(stream, 4)
        while True:
            magic, option, length = struct.unpack(">8sII", _take(stream, 16))
            if magic != b"IHAVEOPT":
                raise ConnectionError("no NBD")
            _take(stream, length)
            export = struct.pack(">QH", self.size, HAS_FLAGS | SEND_FLUSH)
            if option == EXPORT_NAME:
                stream.write(export)
                stream.flush()
                return True
            if option == GO:
                self._answer(stream, option, INFO, struct.pack(">H", 0) + export)
                self._answer(stream, option, ACK)
                return True
            self._answer(stream, option, ACK if option == ABORT else UNSUPPORTED)
            if option == ABORT:
                return False

    @staticmethod
    def _answer(stream, option, kind, data=b""):
        stream.write(struct.pack(">QIII", 0x3E889045565A9, option, kind, len(data)) + data)
        stream.flush()

    def _obey(self, stream):
        while True:
            magic, _, kind, handle, offset, length = struct.unpack(">IHHQQI", _take(stream, 28))
            if magic != 0x25609513:
                raise ConnectionError("no request")
            data, error = b"", 0
            if kind == WRITE:
                data = _take(stream, length)
            if kind == DISCONNECT:
                return
            try:
                data = self._do(kind, offset, length, data)
            except OSError as failure:
                data, error = b"", failure.errno or EIO
            stream.write(struct.pack(">IIQ", 0x67446698, error, handle) + data)
            stream.flush()

    def _do(self, kind, offset, length, data):
        with self.lock:
            if kind == READ:
                return self._read(offset, length)
            if kind == WRITE:
                self._write(offset, data)
            elif kind == FLUSH:
                self._keep(self.file, lambda _: True)
                self.cache.clear()
                self.flushes += 1
            else:
                raise OSError(EINVAL, "not offered")
            return b""

    def _read(self, offset, length):
        found = bytearray(os.pread(self.file, length, offset))
        for block in range(offset // BLOCK, (offset + length - 1) // BLOCK + 1):
            contents = self.cache.get(block)
            if contents is not None:
                begin, end = max(offset, block * BLOCK), min(offset + length, (block + 1) * BLOCK)
                found[begin - offset:end - offset] = contents[begin - block * BLOCK:end - block * BLOCK]
        return bytes(found)

    def _write(self, offset, data):
        data = memoryview(data)
        while data:
            block, within = divmod(offset, BLOCK)
            piece, data = data[:BLOCK - within], data[BLOCK - within:]
            if len(piece) < BLOCK:
                whole = self._read(block * BLOCK, BLOCK)
                self.cache[block] = whole[:within] + bytes(piece) + whole[within + len(piece):]
            else:
                self.cache[block] = bytes(piece)
            offset += len(piece)


def _take(stream, count):
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
