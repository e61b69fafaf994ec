#!/usr/bin/env python3
"""Walks what clients of the convention do, unmodified, against a real supervisor with the simulator, and prints
`served / refused / broken / wrong` for each operation and in total.

    run.py                      all clients: waha_py, waha_python, n8n
    run.py --client n8n         one of them
    run.py --only chats.        those operations whose name begins so
    run.py --write docs/api.md  writes the table into that file
    run.py --check docs/api.md  fails when the table in that file is not the one of this run

Served means: the simulated phone saw the effect, or the data came back as the client reads it. Refused means: 501 with
the operation's name, or an answer that the client's list of refusals expects, with the field that is wrong. Broken
means: the client fails by itself, as its list says. Fails when anything is wrong.
"""

import argparse
import contextlib
import importlib
import pathlib
import pkgutil
import sys
import time

import cases
import harness
from world import World

WORDS = ("served", "refused", "broken", "wrong")
CLIENTS = ("waha_py", "waha_python", "n8n")
BEGIN, END = "<!-- clients: begin -->", "<!-- clients: end -->"


def main():
    wishes = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wishes.add_argument("--client", choices=CLIENTS)
    wishes.add_argument("--only", default="")
    wishes.add_argument("--write", type=pathlib.Path)
    wishes.add_argument("--check", type=pathlib.Path)
    wishes.add_argument("--log", action="store_true", help="the service's last lines after something wrong")
    wishes = wishes.parse_args()
    verdicts = {}
    for client in [wishes.client] if wishes.client else CLIENTS:
        suite = load(client)
        with contextlib.ExitStack() as stack:
            world = World(stack, cases.FILES, suite.session)
            suite.begin(world)
            verdicts[suite.name] = walk(world, suite, wishes)
    wrong = report(verdicts)
    if wishes.write:
        write(wishes.write, table(verdicts))
    if wishes.check and table(verdicts) not in wishes.check.read_text():
        print(f"{wishes.check}: the table of clients is stale; write it with --write {wishes.check}")
        wrong += 1
    sys.exit(1 if wrong else 0)


def load(client):
    package = importlib.import_module(f"cases.{client}")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return package.SUITE


def walk(world, suite, wishes):
    """In the client's own order, after what makes and links the session."""
    found = list(suite.operations(world))
    unknown = set(suite.cases) - set(found)
    assert not unknown, f"cases of no operation: {unknown}"
    order = [name for name in suite.first if name in found]
    order += [name for name in found if name not in order]
    if wishes.only:
        suite.prepare(world)
        order = [name for name in order if name.startswith(wishes.only)]
    print(f"{suite.name}:", flush=True)
    verdicts = []
    for name in order:
        begun = time.monotonic()
        verdict = harness.judge(world, suite, name)
        verdicts.append(verdict)
        print(f"{verdict.word:7} {name:50} {time.monotonic() - begun:6.1f} s  {verdict.why}", flush=True)
        if verdict.word == "wrong" and wishes.log:
            print(world.log_tail(), flush=True)
    return sorted(verdicts, key=lambda verdict: found.index(verdict.operation))


def count(verdicts, word):
    return sum(1 for verdict in verdicts if verdict.word == word)


def report(verdicts):
    for client, some in verdicts.items():
        numbers = " / ".join(f"{count(some, word)} {word}" for word in WORDS)
        print(f"{client}: {numbers} of {len(some)}")
    return sum(count(some, "wrong") for some in verdicts.values())


def table(verdicts):
    """The totals, and what is refused."""
    lines = [BEGIN, "| client | operations | served | refused | broken in the client | wrong |", "| --- | --- | --- | --- | --- | --- |"]
    for client, some in verdicts.items():
        lines.append(f"| {client} | {len(some)} | " + " | ".join(str(count(some, word)) for word in WORDS) + " |")
    lines.append("")
    for client, some in verdicts.items():
        absent = [verdict.operation for verdict in some if verdict.status == 501]
        wrong = [verdict.operation for verdict in some if verdict.word == "refused" and verdict.status != 501]
        said = [f"501 {names(absent, some)}"] if absent else []
        said += [f"400 {names(wrong, some)}"] if wrong else []
        if said:
            lines.append(f"- {client}: " + "; ".join(said))
    return "\n".join([*lines, END])


def names(operations, all_of_client):
    """By group; a group that is refused as a whole by its name alone."""
    groups = {}
    for operation in operations:
        group, mark, name = operation.partition(".")
        groups.setdefault(group, []).append(name if mark else None)
    said = []
    for group, some in groups.items():
        whole = sum(1 for verdict in all_of_client if verdict.operation.split(".")[0] == group) == len(some)
        said.append(f"`{group}`" if whole or some == [None] else f"`{group}.{{{','.join(some)}}}`")
    return ", ".join(said)


def write(path, text):
    old = path.read_text()
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert rest, f"{path} has no place for the table ({BEGIN} … {END})"
    path.write_text(before + text + after)


if __name__ == "__main__":
    main()
