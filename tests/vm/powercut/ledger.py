"""What the world outside the virtual machine was told: the measure of what may not be missing afterwards.

Owns the account and its lock. Knows neither the machine nor what is to follow from any of it.
"""

import copy
import threading
import time


class Ledger:
    """One for all boots. Each entry is made after the word was heard, so that what stands in here was said before."""

    def __init__(self):
        self.lock = threading.Lock()
        #: Idempotency-Key -> (session, text, the answer (status, body) or None while there is none)
        self.sends = {}
        #: ids of API keys, and those that were ended
        self.keys, self.ended = set(), set()
        #: session -> (the last value that was asked for, the last one that was acknowledged)
        self.settings = {}
        #: id of an event -> what it says: (session, kind, the message's id or None)
        self.told = {}
        #: the last event before every session had its webhook
        self.hooked = ""
        #: id of an event -> how often the receiver was given it
        self.delivered = {}
        #: id of a message that somebody wrote -> (session, when, by the monotonic clock)
        self.written = {}
        #: those of them, in a snapshot, that the phone's server had handed over when it was taken
        self.confirmed = set()
        #: what was heard and cannot be: two messages under one event's id, …
        self.wrong = []

    def snapshot(self):
        taken = Ledger()
        with self.lock:
            for name, value in vars(self).items():
                if name != "lock":
                    setattr(taken, name, copy.deepcopy(value))
        return taken

    def asked(self, key, session, text):
        with self.lock:
            self.sends[key] = (session, text, None)

    def answered(self, key, status, body):
        with self.lock:
            session, text, _ = self.sends[key]
            self.sends[key] = (session, text, (status, body))

    def key_made(self, name):
        with self.lock:
            self.keys.add(name)

    def key_ending(self, name):
        """Asked for; whether it is there still is open until there is an answer."""
        with self.lock:
            self.keys.discard(name)

    def key_ended(self, name):
        with self.lock:
            self.ended.add(name)

    def setting_asked(self, session, value):
        with self.lock:
            self.settings[session] = (value, self.settings.get(session, (0, 0))[1])

    def setting_kept(self, session, value):
        with self.lock:
            self.settings[session] = (self.settings[session][0], value)

    def wrote(self, message, session):
        with self.lock:
            self.written[message] = (session, time.monotonic())

    def heard(self, event, delivered):
        """An event, as it came over a stream or to the receiver."""
        payload = event.get("payload") or {}
        says = (event["session"], event["event"], payload.get("id") if isinstance(payload, dict) else None)
        with self.lock:
            before = self.told.setdefault(event["id"], says)
            if before != says:
                self.wrong.append(f"{event['id']} was {before} and is {says}")
            if delivered:
                self.delivered[event["id"]] = self.delivered.get(event["id"], 0) + 1

    def acknowledged(self):
        """Those sends that were answered with a yes."""
        return {key: send for key, send in self.sends.items() if send[2] and send[2][0] in (200, 201, 202)}

    def counts(self):
        """How much there is of each."""
        with self.lock:
            return {
                "sends": len(self.acknowledged()), "keys": len(self.keys) + len(self.ended),
                "settings": sum(kept for _, kept in self.settings.values()), "events": len(self.told),
                "deliveries": sum(self.delivered.values()), "messages": len(self.written),
            }
