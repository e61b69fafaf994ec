"""The world outside the virtual machine: the phone, the receiver of webhooks, a reader of the stream, and callers.

Owns their threads and connections, and writes what each was told into the ledger. Never judges.
"""

import contextlib
import http.client
import http.server
import json
import socket
import subprocess
import threading

SESSIONS = ("1", "2")
FRIEND = "5511988887777"


def number(session):
    return f"551190000000{session}"


class Phone:
    """The simulator, with the state that it had in the machine."""

    def __init__(self, program, state):
        command = [program, "--listen", "127.0.0.1:0", "--state", state]
        self.state = state
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def ask(self, method, path, body=None):
        status, answer = ask(self.port, method, path, body)
        if status != 200:
            raise RuntimeError(f"the phone said {status} to {path}: {answer}")
        return json.loads(answer)

    def sent(self, session):
        return [sent["body"] for sent in self.ask("GET", f"/phone/sent?number={number(session)}")["sent"]]

    def waiting(self, session):
        """How many events the phone's server keeps until the linked page has them."""
        numbers = self.ask("GET", "/phone/numbers")["numbers"]
        return sum(device["queued"] for one in numbers if one["number"] == number(session) for device in one["devices"])

    def kept(self):
        """The messages among them. Its file is a moment behind, so some of these may have been handed over."""
        accounts = json.loads(self.state.read_text())["accounts"].values()
        devices = [device for one in accounts for device in one["devices"].values()]
        events = [queued["event"] for device in devices for queued in device["queue"]]
        return {f"false_{event['from']}_{event['id']}" for event in events if event["kind"] == "message"}

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def ask(port, method, path, body=None, headers=(), timeout=120):
    """One request on a connection of its own: its status and its body."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json", **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class Receiver:
    """Where webhooks are posted, and where the machine's tests say how far they are: `GET /turn/…` is answered when
    `reach` was called for it, and with what it was given."""

    def __init__(self, ledger):
        receiver = self
        self.turns = {}
        self.changed = threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))
                ledger.heard(event, delivered=True)
                self.answer(200)

            def do_GET(self):
                self.answer(receiver.wait(self.path))

            def answer(self, status):
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the machine was killed while it spoke

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, path):
        with self.changed:
            self.turns[path] = None
            self.changed.notify_all()
            while self.turns.get(path) is None:
                self.changed.wait()
            return self.turns.pop(path)

    def is_asked(self, path):
        with self.changed:
            return path in self.turns

    def reach(self, path, status):
        with self.changed:
            self.turns[path] = status
            self.changed.notify_all()

    def forget(self):
        """Whoever asked was killed."""
        with self.changed:
            for path in self.turns:
                self.turns[path] = 503
            self.changed.notify_all()


class Service:
    """The service in the machine, as callers outside see it."""

    def __init__(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.key = None

    def ask(self, method, path, body=None, headers=(), timeout=120):
        known = {"X-Api-Key": self.key} if self.key else {}
        return ask(self.port, method, path, body, {**known, **dict(headers)}, timeout)

    def get(self, path):
        status, body = self.ask("GET", path)
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}: {body}")
        return json.loads(body)

    def send(self, session, key, text):
        body = {"session": session, "chatId": f"{FRIEND}@c.us", "text": text}
        return self.ask("POST", "/api/sendText", body, {"Idempotency-Key": key})

    def configure(self, session, value, hook):
        """Gives a session its webhook and a value to remember."""
        webhook = {"url": hook, "events": ["*"], "retries": {"policy": "constant", "delaySeconds": 1, "attempts": 1000}}
        body = {"config": {"webhooks": [webhook], "metadata": {"value": str(value)}}}
        return self.ask("PUT", f"/api/sessions/{session}", body)

    def events(self):
        """All that the journal has."""
        after = ""
        while True:
            page = self.get(f"/api/events?limit=1000{after}")
            yield from page["events"]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"


class Load:
    """Callers, writers and a reader, for as long as the power is there. What fails is no answer: nothing is noted."""

    def __init__(self, service, phone, ledger, hook, name):
        self.service, self.phone, self.ledger, self.hook, self.name = service, phone, ledger, hook, name
        self.over = threading.Event()
        self.stream = None
        works = [lambda: self.settings("1"), lambda: self.settings("2"), self.keys, self.read]
        for session in SESSIONS:
            works += [lambda session=session: self.sends(session), lambda session=session: self.writes(session)]
        self.threads = [threading.Thread(target=self.run, args=[work], daemon=True) for work in works]
        for thread in self.threads:
            thread.start()

    def run(self, work):
        # The power goes in the middle of a request or of an answer.
        with contextlib.suppress(OSError, http.client.HTTPException, json.JSONDecodeError):
            work()

    def end(self):
        self.over.set()
        with contextlib.suppress(OSError):
            if self.stream:
                self.stream.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(150)
        if any(thread.is_alive() for thread in self.threads):
            raise TimeoutError("a caller still waits for an answer")

    def rounds(self):
        count = 0
        while not self.over.is_set():
            count += 1
            yield count

    def sends(self, session):
        for count in self.rounds():
            key = f"{self.name}-{session}-{count}"
            text = f"enviada {key}"
            self.ledger.asked(key, session, text)
            self.ledger.answered(key, *self.service.send(session, key, text))

    def writes(self, session):
        for count in self.rounds():
            body = {"to": number(session), "from": FRIEND, "name": "Ana", "body": f"escrita {self.name} {count}"}
            self.ledger.wrote(self.phone.ask("POST", "/phone/message", body)["id"], session)
            # No more than the emulated page takes.
            while not self.over.wait(0.3) and self.phone.waiting(session) > 5:
                pass

    def settings(self, session):
        for _ in self.rounds():
            value = self.ledger.settings.get(session, (0, 0))[0] + 1
            self.ledger.setting_asked(session, value)
            if self.service.configure(session, value, self.hook)[0] == 200:
                self.ledger.setting_kept(session, value)
            self.over.wait(0.5)

    def keys(self):
        for count in self.rounds():
            status, body = self.service.ask("POST", "/api/keys", {"session": "1", "isActive": False})
            if status in (200, 201):
                name = json.loads(body)["id"]
                self.ledger.key_made(name)
                if count % 3 == 0:
                    self.ledger.key_ending(name)
                    if self.service.ask("DELETE", f"/api/keys/{name}", {})[0] in (200, 204):
                        self.ledger.key_ended(name)
            self.over.wait(0.5)

    def read(self):
        """Server-sent events; each one is a single line of data."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=120)
        connection.request("GET", "/api/events/stream", headers={"X-Api-Key": self.service.key})
        self.stream = connection.sock
        answer = connection.getresponse()
        for line in answer:
            if line.startswith(b"data:"):
                self.ledger.heard(json.loads(line[5:]), delivered=False)
