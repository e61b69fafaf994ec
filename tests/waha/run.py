#!/usr/bin/env python3
"""Walks every operation of the Python SDK waha-py, unmodified, against a real supervisor with the simulator, and
prints `served / 501 / wrong` for each and in total.

    run.py                      all of them
    run.py --only chats.        those whose name begins so
    run.py --readme README.md   writes the feature table into that file
    run.py --check README.md    fails when the table in that file is not the one of this run

Served means: the simulated phone saw the effect, or the data came back through the SDK's typed models. Fails when
anything is wrong, or when fewer are served than LEAST says.
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

#: Fewer served operations of the core than this are a step back.
LEAST = 156
BEGIN, END = "<!-- waha: begin -->", "<!-- waha: end -->"


def main():
    wishes = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wishes.add_argument("--only", default="")
    wishes.add_argument("--readme", type=pathlib.Path)
    wishes.add_argument("--check", type=pathlib.Path)
    wishes.add_argument("--log", action="store_true", help="the service's last lines after something wrong")
    wishes = wishes.parse_args()
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"cases.{module.name}")
    with contextlib.ExitStack() as stack:
        world = World(stack, harness.client, cases.FILES)
        verdicts = walk(world, wishes)
    unknown = set(harness.CASES) - {verdict.operation for verdict in verdicts}
    assert wishes.only or not unknown, f"cases of no operation: {unknown}"
    wrong = report(verdicts)
    table = feature_table(verdicts)
    if wishes.readme:
        write(wishes.readme, table)
    if wishes.check and table not in wishes.check.read_text():
        print(f"{wishes.check}: the feature table is stale; write it with --readme {wishes.check}")
        wrong += 1
    served = sum(1 for verdict in core(verdicts) if verdict.word == "served")
    if not wishes.only and served < LEAST:
        print(f"only {served} operations of the core are served; they were {LEAST}")
        wrong += 1
    sys.exit(1 if wrong else 0)


def walk(world, wishes):
    """The session is made and linked by the operations' own cases, which come first."""
    verdicts = []
    found = {name: method for name, method, _ in harness.operations(world.waha)}
    first = [name for name in cases.FIRST if name in found]
    last = [name for name in cases.LAST if name in found]
    order = first + [name for name in found if name not in first + last] + last
    if wishes.only:
        cases.prepare(world)
        order = [name for name in order if name.startswith(wishes.only)]
    for name in order:
        begun = time.monotonic()
        verdict = harness.judge(world, name, found[name])
        verdicts.append(verdict)
        print(f"{verdict.word:7} {name:50} {time.monotonic() - begun:6.1f} s  {verdict.why}", flush=True)
        if verdict.word == "wrong" and wishes.log:
            print(world.log_tail(), flush=True)
    order = list(found)
    return sorted(verdicts, key=lambda verdict: order.index(verdict.operation))


def core(verdicts):
    return [verdict for verdict in verdicts if verdict.operation.split(".")[0] not in harness.BEYOND_THE_CORE]


def report(verdicts):
    for title, some in (("all", verdicts), ("core", core(verdicts))):
        count = {word: sum(1 for verdict in some if verdict.word == word) for word in ("served", "501", "wrong")}
        numbers = " / ".join(f"{number} {word}" for word, number in count.items())
        print(f"{title}: {numbers} of {len(some)}")
    return sum(1 for verdict in verdicts if verdict.word == "wrong")


def feature_table(verdicts):
    """One line per class of the SDK."""
    groups = {}
    for verdict in verdicts:
        group, method = verdict.operation.split(".")
        groups.setdefault(group, {"served": [], "501": [], "wrong": []})[verdict.word].append(method)
    lines = [BEGIN, "| SDK class | served | answers 501 |", "| --- | --- | --- |"]
    for group, words in groups.items():
        served = f"{len(words['served'])}: " + ", ".join(f"`{name}`" for name in words["served"])
        absent = f"{len(words['501'])}: " + ", ".join(f"`{name}`" for name in words["501"])
        lines.append(f"| {group} | {served if words['served'] else '–'} | {absent if words['501'] else '–'} |")
    some = core(verdicts)
    served = sum(1 for verdict in verdicts if verdict.word == "served")
    served_core = sum(1 for verdict in some if verdict.word == "served")
    lines.append(f"\nServed: {served} of {len(verdicts)} operations, {served_core} of the {len(some)} of the core.")
    return "\n".join([*lines, END])


def write(path, table):
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert rest, f"{path} has no place for the table ({BEGIN} … {END})"
    path.write_text(before + table + after)


if __name__ == "__main__":
    main()
