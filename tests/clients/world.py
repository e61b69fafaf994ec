"""The real thing, small: a supervisor with its workers and browsers, the simulator, and a phone that is linked.

Owns processes, ports and folders, and ends all of it, also after a failure. Knows no operation.
"""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import httpx
from waha import WahaClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
WA_JS = ROOT / "vendor-js/node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js"
BROWSER = os.environ.get("COLMEIA_TEST_BROWSER", "/usr/lib/chromium/chromium-headless-shell")

#: The number that is linked, and two people in its address book.
ME = "5511977776666"
ANA = "5511988887777"
BEA = "5511966665555"
#: How long anything may take on a machine that does much else.
PATIENCE = 120.0


def until(what, look, patience=PATIENCE):
    """Waits until `look` returns something; says what was waited for when it does not."""
    end = time.monotonic() + patience
    last = None
    while time.monotonic() < end:
        try:
            found = look()
            if found:
                return found
        except Exception as error:  # the reason is told when the time is up
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {patience:.0f} s" + (f" ({last})" if last else ""))


class Simulator:
    """The phone."""

    def __init__(self, stack):
        command = [BIN / "colmeia-simulator", "--listen", "127.0.0.1:0", "--sync-ms", "200"]
        self.process = start(stack, command, stdout=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        self.address = line.strip().removeprefix("listening on ")

    def get(self, path):
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path, **body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def scan(self, qr, number=ME, name="Dona"):
        contacts = [{"number": ANA, "name": "Ana"}, {"number": BEA, "name": "Bea"}]
        return self.post("/phone/scan", qr=qr, number=number, name=name, contacts=contacts)

    def sent(self, number=ME):
        return self.get(f"/phone/sent?number={number}")["sent"]

    def chats(self, number=ME):
        return {chat["id"]: chat for chat in self.get(f"/phone/chats?number={number}")["chats"]}

    def actions(self, number=ME):
        """What the page did that leaves no message."""
        return self.get(f"/phone/actions?number={number}")["actions"] or []

    def records(self, kind, number=None):
        query = f"?number={number}" if number else ""
        return self.get(f"/phone/records/{kind}{query}")["records"]

    def message(self, sender=ANA, body="oi", **more):
        """Somebody writes; returns the message's id."""
        name = more.pop("name", "Ana")
        return self.post("/phone/message", to=ME, **{"from": sender}, name=name, body=body, **more)["id"]


def start(stack, command, **how):
    """A process in a session of its own, ended with everything in it."""
    process = subprocess.Popen([str(part) for part in command], start_new_session=True, **how)

    def end():
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    stack.callback(end)
    return process


class Files:
    """A server whose files operations fetch by their address."""

    def __init__(self, stack, files):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = files.get(self.path)
                self.send_response(200 if found else 404)
                if found:
                    self.send_header("content-type", found[0])
                    self.send_header("content-length", str(len(found[1])))
                self.end_headers()
                if found:
                    self.wfile.write(found[1])

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        self.address = f"http://127.0.0.1:{server.server_port}"


class World:
    """Everything that a case needs: `phone`, names, and `waha` (waha-py, unmodified), which is also how the cases of
    other clients look at what became of theirs."""

    def __init__(self, stack, files=None, session="principal"):
        self.session = session
        # Who ends the run ends everything in it.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clients-")))
        self.phone = Simulator(stack)
        # Labels are for business accounts.
        self.phone.post("/phone/records/person", id=ME, value={"business": True})
        self.files = Files(stack, files or {})
        self.key = secrets.token_hex(16)
        config = self.folder / "colmeia.toml"
        config.write_text(
            f'log_format = "human"\napi_keys = ["{self.key}"]\nsends_per_minute = 0\n'
            'media_networks = ["127.0.0.0/8"]\nmax_starting = 3\n[deadlines]\nprobe_interval_ms = 1000\n'
        )
        (self.folder / "state").mkdir()
        (self.folder / "run").mkdir()
        self.log = open(self.folder / "log", "wb")
        stack.callback(self.log.close)
        command = [
            BIN / "colmeia-supervisor", "--config", config, "--listen", "127.0.0.1:0",
            "--state-dir", self.folder / "state", "--runtime-dir", self.folder / "run",
            "--page-url", self.phone.address + "/", "--browser", BROWSER, "--wa-js", WA_JS,
            "--webhook-url", self.files.address + "/none",
        ]  # fmt: skip
        environment = {"PATH": os.environ["PATH"]}
        self.service = start(stack, command, stdin=subprocess.DEVNULL, stderr=self.log, stdout=self.log, env=environment)
        address = self.folder / "run/http.addr"
        self.address = "http://" + until("the supervisor listens", lambda: address.exists() and address.read_text().strip())
        self.waha = WahaClient(base_url=self.address, api_key=self.key, timeout=90.0)
        stack.callback(self.waha.close)
        headers = {"x-api-key": self.key, "accept": "application/json"}
        self.plain = stack.enter_context(httpx.Client(headers=headers, timeout=90.0))

    def raw(self, method, path, **how):
        """A request with the SDK's own client, for what it has no method for."""
        return self.waha._http.request(method, path, **how)

    def link(self, session, number=ME):
        """Scans the session's code and waits until it works."""
        code = until(
            f"a code of {session}",
            lambda: self.waha.auth.get_qr(session, params={"format": "raw"}).get("value"),
        )
        self.phone.scan(code, number)
        self.works(session)

    def works(self, session):
        until(f"{session} works", lambda: self.waha.sessions.get(session)["status"] == "WORKING")

    def last_sent(self, what, matches):
        """The newest thing that left the page and matches."""
        return until(f"the phone sees {what}", lambda: [row for row in reversed(self.phone.sent()) if matches(row)])[0]

    def incoming(self, body, sender=ANA, **more):
        """A message that the session has, by its id."""
        message = self.phone.message(sender, body, **more)
        chat = sender if "@" in sender else f"{sender}@c.us"
        until(
            "an incoming message is there",
            lambda: any(
                found["id"] == message
                for found in self.waha.chats.get_chat_messages(self.session, chat, params={"limit": 20})
            ),
        )
        return message

    @functools.cached_property
    def group(self):
        """A group of ours with Ana, made once."""
        made = self.waha.groups.create_group(self.session, {"name": "Turma", "participants": [{"id": f"{ANA}@c.us"}]})
        return made["id"]

    def new_group(self, name):
        """Another one, for what does not outlive its case."""
        made = self.waha.groups.create_group(self.session, {"name": name, "participants": [{"id": f"{ANA}@c.us"}]})
        return made["id"]

    def log_tail(self, lines=40):
        self.log.flush()
        text = (self.folder / "log").read_text(errors="replace")
        return "\n".join(re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()[-lines:])
