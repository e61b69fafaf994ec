"""Which operations there are, which case shows each, and what came of it. Knows no operation by itself."""

import inspect
import traceback

import httpx
from waha import WahaClient

#: Classes of the SDK that are no part of the core: apps, helpers for phone numbers, MCP, server debugging.
BEYOND_THE_CORE = {
    "apps",
    "argentine_phone_numbers",
    "brazilian_phone_numbers",
    "mcp",
    "mexican_phone_numbers",
    "phone_numbers",
    "server_debug",
}

#: `class.method` of every operation, to the function that shows it.
CASES = {}


def case(operation):
    """Marks the function that shows an operation: it does it through the SDK and looks for its effect."""

    def mark(function):
        assert operation not in CASES, f"{operation} has two cases"
        CASES[operation] = function
        return function

    return mark


def operations(client):
    """Every operation of the SDK, in its order, as `class.method`."""
    for name, group in vars(client).items():
        if name.startswith("_"):
            continue
        for method, function in inspect.getmembers(type(group), inspect.isfunction):
            if not method.startswith(("_", "a_")):
                yield f"{name}.{method}", getattr(group, method), function


def model(kind, data):
    """The data as the SDK's own type; a list of them for a list."""
    if isinstance(data, list):
        return [kind.model_validate(item) for item in data]
    return kind.model_validate(data)


class Verdict:
    """What came of an operation: `served`, `501` or `wrong`, and why."""

    def __init__(self, operation, word, why=""):
        self.operation, self.word, self.why = operation, word, why


def judge(world, operation, method):
    """Shows one operation. A refusal counts as 501 only when it names itself."""
    show = CASES.get(operation)
    try:
        if show:
            show(world)
            return Verdict(operation, "served")
        call_blindly(world, method)
    except httpx.HTTPStatusError as error:
        if error.response.status_code == 501 and error.response.json().get("error"):
            return Verdict(operation, "501", error.response.json()["error"])
        return Verdict(operation, "wrong", f"{error.response.status_code} {error.response.text[:300]}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Verdict(operation, "wrong", f"{type(error).__name__} at {place.filename}:{place.lineno}: {str(error)[:400]}")
    return Verdict(operation, "wrong", "it answers, but no case shows what it does")


def call_blindly(world, method):
    """An operation without a case may only answer 501, whatever it is asked."""
    arguments = {}
    for name in inspect.signature(method).parameters:
        if name in ("payload", "params"):
            arguments[name] = {"session": world.session}
        elif name == "session":
            arguments[name] = world.session
        elif name != "kwargs":
            arguments[name] = "1"
    method(**arguments)


def client(**arguments):
    return WahaClient(**arguments)
