#!/usr/bin/env python3
"""Cuts the virtual machine's power while everything is written, and judges what is left.

    powercut KERNEL INITRD ROOT TESTS PROGRAMS LOG

ROOT is the machine's disk after its first boot, TESTS the disk with the tests, PROGRAMS the folder of
colmeia-simulator, LOG the folder for the consoles.

Boots ROOT three times. In the first two, callers outside send, configure, make keys and read the stream, and the
phone writes; then qemu is killed, and what its disk had not flushed is lost: at the first cut all of it, at the second
one an arbitrary half. Before the second cut the supervisor stands still for a while, so that what comes in is in the
spools alone. Meanwhile and at the cut the disk is looked at as it is; after each cut the next boot must find all that
anybody was told. The last boot goes on with the tests of tests/vm/second and ends in order.

Prints the tests of both sides; the last line is "powercut: N passed".
"""

import contextlib
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import judge
from disk import Disk
from ledger import Ledger
from outside import SESSIONS, Load, Phone, Receiver, Service

#: How long anything may take on a machine that is emulated beside much else, in seconds.
PATIENCE = 1800
#: What has to have been acknowledged before each cut, beyond what was before it.
ENOUGH = {"sends": 12, "keys": 8, "settings": 12, "events": 60, "deliveries": 40, "messages": 40}
#: How often the disk is looked at before each cut.
LOOKS = 3
#: How old a message is at most, in seconds, that the page had confirmed to the phone and that was on no disk yet. It
#: confirms by itself, beside telling us. On an idle machine it is a fraction of a second.
FRESH = 10
#: How many messages have to be in the spools alone before the second cut.
SPOOLED = 12
SEED = 14


class Failed(Exception):
    """A test failed; it was said."""


class Machine:
    """One boot: qemu, and what it says on its console."""

    def __init__(self, kernel, initrd, disk, tests, words, forward, log):
        self.passed, self.failed, self.done = 0, threading.Event(), False
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "4096", "-smp", "2", "-nographic",
             "-no-reboot", "-kernel", kernel, "-initrd", initrd,
             "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{forward}-:5003",
             "-append", "root=/dev/vda rw console=ttyS0 systemd.log_level=warning systemd.show_status=false quiet "
                        f"panic=-1 no_timer_check net.ifnames=0 {words}",
             "-drive", f"file=nbd+unix:///?socket={disk.address},format=raw,if=virtio,cache=writeback",
             "-drive", f"file={tests},format=raw,if=virtio,readonly=on"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.listen, args=[log], daemon=True)
        self.reader.start()

    def listen(self, log):
        with open(log, "wb") as console:
            for line in self.process.stdout:
                console.write(line)
                console.flush()
                text = line.decode(errors="replace").rstrip()
                self.done |= re.search(r"done [0-9]+ 0$", text) is not None
                said = re.search(r"\b(ok|FAILED|info) .*", text)
                if said:
                    print(said[0], flush=True)
                    self.passed += said[1] == "ok"
                    if said[1] == "FAILED":
                        self.failed.set()

    def look(self):
        if self.failed.is_set():
            raise Failed("a test in the machine failed")
        if self.process.poll() is not None:
            raise Failed("the machine has ended")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


class Trial:
    """All of it."""

    def __init__(self, kernel, initrd, root, tests, programs, log):
        self.kernel, self.initrd, self.tests, self.log = kernel, initrd, tests, log
        self.folder = pathlib.Path(root).parent
        self.random = random.Random(SEED)
        self.passed = 0
        self.ledger, self.service = Ledger(), Service()
        state = self.folder / "phone.json"
        judge.take(root, "/var/lib/simulator/state.json", state)
        self.disk = Disk(root, self.folder / "disk.sock")
        self.phone = Phone(f"{programs}/colmeia-simulator", state)
        self.receiver = Receiver(self.ledger)
        self.hook = f"http://10.0.2.2:{self.receiver.port}/hook"
        self.machine = None

    def close(self):
        if self.machine and self.machine.process.poll() is None:
            self.machine.kill()
        self.phone.end()

    # --- tests
    def check(self, name, wrong):
        """One test: nothing is wrong."""
        if wrong:
            print(f"FAILED {name}: {len(wrong)}", *wrong[:20], sep="\n  ", flush=True)
            raise Failed(name)
        print(f"ok {name}", flush=True)
        self.passed += 1

    def until(self, name, look, patience=PATIENCE):
        """Waits for something outside, as long as the machine is well."""
        end = time.monotonic() + patience
        while not look():
            self.machine.look()
            if time.monotonic() > end:
                print(f"FAILED {name}: not within {patience} s", flush=True)
                raise Failed(name)
            time.sleep(0.1)

    # --- boots
    def boot(self, name, word):
        print(f"vm: the {name} boot", flush=True)
        words = f"phone={self.phone.port} outside={self.receiver.port} {word}"
        self.machine = Machine(self.kernel, self.initrd, self.disk, self.tests, words, self.service.port,
                               f"{self.log}/console-{name}.log")
        self.until("the machine asks to be judged", lambda: self.receiver.is_asked("/turn/judge"))

    def begin(self):
        """Before the first cut: a key for everything else, and where events go."""
        status, body = self.service.ask("POST", "/api/keys", {"isAdmin": True})
        self.check("there is a key", [] if status == 201 else [body])
        key = json.loads(body)
        self.service.key = key["key"]
        self.ledger.key_made(key["id"])
        for session in SESSIONS:
            self.ledger.setting_asked(session, 1)
            status, body = self.service.configure(session, 1, self.hook)
            self.check(f"session {session} has a webhook", [] if status == 200 else [body])
            self.ledger.setting_kept(session, 1)
        self.ledger.hooked = max((event["id"] for event in self.service.events()), default="")

    def cut(self, name, survives, still=False):
        """Everything is written, and the power goes; with `still` the supervisor stands still before that."""
        self.receiver.reach("/turn/judge", 200)
        self.until("the machine waits for its end", lambda: self.receiver.is_asked("/turn/cut"))
        before = self.ledger.counts()
        load = Load(self.service, self.phone, self.ledger, self.hook, name)
        for look in range(1, LOOKS + 1):
            self.until("enough was acknowledged", lambda: self.has_grown(before, look / (LOOKS + 1)))
            self.until("something is not on disk", self.disk.unflushed)
            known, copy = self.known(), self.folder / "frozen.img"
            lost = self.disk.freeze(copy, survives)
            self.look_at(copy, known, f"{name}, look {look} ({lost} blocks lost)")
        self.until("enough was acknowledged", lambda: self.has_grown(before, 1))
        if still:
            self.receiver.reach("/turn/cut", 200)
            self.until("the supervisor stands still", lambda: self.receiver.is_asked("/turn/still"))
            begun = time.monotonic()
            self.until("messages are in the spools alone", lambda: self.confirmed_since(begun) >= SPOOLED)
        # Not when something has just been answered: at any moment.
        time.sleep(self.random.uniform(0, 2))
        self.until("something is not on disk", self.disk.unflushed)
        self.machine.kill()
        self.passed += self.machine.passed
        self.power_went = time.monotonic()
        load.end()
        self.receiver.forget()
        known = self.known(self.power_went)
        lost = self.disk.lose(survives)
        grown = {what: count - before[what] for what, count in self.ledger.counts().items()}
        print(f"info {name}: {lost} blocks lost after", ", ".join(f"{count} {what}" for what, count in grown.items()))
        copy = self.folder / "frozen.img"
        subprocess.run(["cp", "--sparse=always", self.disk.image, copy], check=True)
        alone = self.look_at(copy, known, f"{name}, at the cut")
        if still:
            self.check(f"{name}: what came while the supervisor stood still is in the spools",
                       [] if alone >= SPOOLED else [f"{alone} messages are in them alone"])

    def known(self, at=None):
        """What was said until now; among it the messages that the phone's server regards as delivered, as far as they
        were no longer fresh by then."""
        at = at or time.monotonic()
        known = self.ledger.snapshot()
        kept = self.phone.kept()
        known.confirmed = {message for message, (_, when) in known.written.items()
                           if message not in kept and at - when > FRESH}
        return known

    def confirmed_since(self, begun):
        known = self.known()
        return sum(known.written[message][1] > begun for message in known.confirmed)

    def has_grown(self, before, share):
        return all(self.ledger.counts()[what] - before[what] >= count * share for what, count in ENOUGH.items())

    def look_at(self, image, ledger, name):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            wrong, alone = judge.disk(image, ledger, pathlib.Path(folder), SESSIONS)
        image.unlink()
        self.check(f"the disk has all that anybody was told: {name}", wrong)
        return alone

    def judge(self, name):
        """After a boot: nothing is missing, and what waits is delivered."""
        # What is told from now on comes after the answers that it is held against.
        known = self.ledger.snapshot()
        self.check(f"{name}: keys, settings and events are there", judge.service(self.service, known))
        self.check(f"{name}: sends are answered as before, and went out once",
                   judge.sends(self.service, self.phone, self.ledger))
        self.until("the phone's server keeps nothing back", lambda: not any(map(self.phone.waiting, SESSIONS)))
        self.until("every event is delivered", lambda: not judge.undelivered(self.service, self.ledger))
        missing = sorted(judge.messages(self.service, self.ledger))
        ages = [self.power_went - self.ledger.written[message][1] for message in missing]
        print(f"info {name}: {len(missing)} messages were confirmed to the phone and on no disk yet; seconds before the "
              f"cut: {[round(age, 1) for age in ages]}", flush=True)
        self.check(f"{name}: what came in is in the journal and was delivered",
                   [f"{message} is in no journal" for message, age in zip(missing, ages) if age > FRESH])
        self.check(f"{name}: each event always had the same id", self.ledger.wrong)
        for message in missing:
            del self.ledger.written[message]

    def run(self):
        self.boot("powered", "cut")
        self.begin()
        self.cut("first cut", lambda _: False)
        self.boot("cut", "cut")
        self.judge("first cut")
        self.cut("second cut", lambda _: self.random.random() < 0.5, still=True)
        self.boot("second", "second")
        self.judge("second cut")
        self.receiver.reach("/turn/judge", 200)
        self.machine.reader.join()
        if self.machine.failed.is_set() or not self.machine.done:
            raise Failed("the last boot has not come to its end")
        self.passed += self.machine.passed


def main():
    # Whoever ends this ends the machine.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("powercut: ended"))
    with contextlib.closing(Trial(*sys.argv[1:])) as trial:
        try:
            trial.run()
        except Failed as failure:
            sys.exit(f"powercut: failed: {failure}")
        print(f"powercut: {trial.passed} passed")


if __name__ == "__main__":
    main()
