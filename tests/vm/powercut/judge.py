"""What must still be there after a cut, on the disk itself and through the service.

Owns the rules. Each function returns what is missing or wrong, in words; nothing means that all is well.
"""

import json
import sqlite3
import subprocess

STATE = "/var/lib/colmeia"
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def row_of(event):
    """The row, and the time in milliseconds, that an event's id is made of (supervisor/events/src/journal/id.rs)."""
    value = 0
    for letter in event.removeprefix("evt_"):
        value = value * 32 + LETTERS.index(letter)
    return value & ((1 << 48) - 1), value >> 80


def disk(image, ledger, folder, sessions):
    """What a disk has from which the machine would start, once the file system's own log was replayed. `image` is
    changed; `folder` is an empty one for what is taken out of it. Also how many confirmed messages are in the spools
    alone."""
    checked = subprocess.run(["e2fsck", "-fy", image], capture_output=True, text=True)
    # 1 is: its log was replayed, and counts put right that are in it only at an orderly end.
    if checked.returncode > 1:
        return [f"the file system is damaged: {checked.stdout[-2000:]}"], 0
    names = ["colmeia.db", "colmeia.db-wal", "colmeia-settings.db", "colmeia-settings.db-wal"]
    spools = [f".wwebjs_auth_user_{session}/colmeia/spool/events.log" for session in sessions]
    for number, name in enumerate(spools):
        take(image, f"{STATE}/{name}", folder / f"spool-{number}")
    for name in names:
        take(image, f"{STATE}/{name}", folder / name)
    wrong, spooled = [], b""
    for number, _ in enumerate(spools):
        found = spool(folder / f"spool-{number}")
        wrong += found[0]
        spooled += found[1]
    missing, unknown = journal(folder / "colmeia.db", ledger)
    alone = {message for message in unknown if f'"{message}"'.encode() in spooled}
    wrong += missing + [f"{message} is neither in the journal nor in a spool" for message in unknown - alone]
    return wrong + settings(folder / "colmeia-settings.db", ledger), len(alone)


def take(image, path, to):
    # It exits with 0 whatever happens; a file that is not there is not made.
    subprocess.run(["debugfs", "-R", f"dump {path} {to}", image], capture_output=True, check=True)


def opened(path):
    if not path.exists():
        return None, [f"{path.name} is not there"]
    connection = sqlite3.connect(path)
    found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    return connection, [] if found == ["ok"] else [f"{path.name}: {line}" for line in found[:5]]


def spool(path):
    """What is wrong (every line but one that was cut short is an event), and the contents."""
    if not path.exists():
        return [f"{path.name} is not there"], b""
    wrong, contents = [], path.read_bytes()
    for line in contents.split(b"\n")[:-1]:
        try:
            json.loads(line)
        except ValueError:
            wrong.append(f"{path.name} has a line that is none: {line[:80]!r}")
    return wrong, contents


def journal(path, ledger):
    """What is wrong, and the confirmed messages that it does not have."""
    connection, wrong = opened(path)
    if wrong:
        return wrong, set()
    rows = dict(connection.execute("SELECT id, created_ms FROM events"))
    for event in ledger.told:
        row, created = row_of(event)
        if rows.get(row) != created:
            wrong.append(f"{event} was told and is not in the journal")
    known = {row[0] for row in connection.execute("SELECT key FROM events WHERE kind = 'message'")}
    return wrong, ledger.confirmed - known


def settings(path, ledger):
    connection, wrong = opened(path)
    if wrong:
        return wrong
    keys = {row[0] for row in connection.execute("SELECT id FROM keys")}
    wrong += [f"the key {key} was made and is gone" for key in ledger.keys - keys]
    wrong += [f"the key {key} was ended and is back" for key in ledger.ended & keys]
    values = {user: json.loads(text)["metadata"]["value"]
              for user, text in connection.execute("SELECT user, settings FROM sessions")}
    wrong += values_are_kept(values, ledger)
    answers = {key: (status, body) for key, status, body in connection.execute("SELECT key, status, body FROM answers")}
    for key, (_, _, (status, body)) in ledger.acknowledged().items():
        found = answers.get(key)
        if found is None or found[0] != status or bytes(found[1] or b"").decode() != body:
            wrong.append(f"the send {key} was acknowledged, and its answer is {found}")
    return wrong


def values_are_kept(values, ledger):
    wrong = []
    for session, (asked, kept) in ledger.settings.items():
        found = int(values.get(session, 0))
        if not kept <= found <= asked:
            wrong.append(f"session {session} kept {kept} (asked for: {asked}) and has {found}")
    return wrong


def service(service, ledger):
    """The same through the service that was started from that disk; and what no disk shows."""
    wrong = []
    keys = {key["id"] for key in service.get("/api/keys")}
    wrong += [f"the key {key} was made and is gone" for key in ledger.keys - keys]
    wrong += [f"the key {key} was ended and is back" for key in ledger.ended & keys]
    sessions = {session: service.get(f"/api/sessions/{session}") for session in ledger.settings}
    wrong += values_are_kept({name: one["config"]["metadata"]["value"] for name, one in sessions.items()}, ledger)
    events = {event["id"]: event for event in service.events()}
    for event, says in ledger.told.items():
        found = events.get(event)
        payload = found and found["payload"]
        if not found or (found["session"], found["event"], payload.get("id")) != says:
            wrong.append(f"{event} was told as {says}, and the journal has {found and found['event']}")
    return wrong + once(events.values())


def once(events):
    """No message came twice under two ids."""
    seen, wrong = {}, []
    for event in events:
        if event["event"] in ("message", "message.any"):
            what = (event["session"], event["event"], event["payload"]["id"])
            if seen.setdefault(what, event["id"]) != event["id"]:
                wrong.append(f"{what} is in the journal as {seen[what]} and as {event['id']}")
    return wrong


def sends(service, phone, ledger):
    """Who asks again with the same key gets the first answer, and nobody was written to twice."""
    wrong = []
    for key, (session, text, first) in list(ledger.sends.items()):
        again = service.send(session, key, text)
        if first and first[0] == 201 and again != first:
            wrong.append(f"the send {key} was answered with {first}, and now with {again}")
    for session in {send[0] for send in ledger.sends.values()}:
        bodies = phone.sent(session)
        for key, (whose, text, first) in ledger.sends.items():
            count = bodies.count(text) if whose == session else None
            if count is not None and (count > 1 or (count == 0 and first and first[0] == 201)):
                wrong.append(f"the send {key}, answered with {first and first[0]}, is on the phone {count} times")
    return wrong


def messages(service, ledger):
    """What somebody wrote: the ids of those that the journal does not have."""
    known = {event["payload"]["id"] for event in service.events() if event["event"] == "message"}
    return set(ledger.written) - known


def undelivered(service, ledger):
    """Events of the journal that the receiver was not given yet. Ids grow; what was before it is not for it."""
    events = {event["id"] for event in service.events() if event["session"] in ledger.settings}
    return {event for event in events if event > ledger.hooked} - set(ledger.snapshot().delivered)
