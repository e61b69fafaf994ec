"""What a client's operations are, which case shows each, and what came of it. Knows no operation by itself."""

import inspect
import traceback

import httpx


class Suite:
    """One client: its operations in their order, and the cases that show them.

    `first` are shown before all others, in this order: they make and link the session. `refused` are those that a
    documented rule refuses although they are offered, with the status and the field that the answer has to name.
    `broken` are those that fail in the client itself, whatever a server answers.
    """

    def __init__(self, name, session="principal", first=(), refused=None, broken=()):
        self.name, self.session, self.first = name, session, first
        self.refused, self.broken = refused or {}, broken
        self.cases = {}

    def case(self, operation):
        """Marks the function that shows an operation: it does it through the client and looks for its effect."""

        def mark(function):
            assert operation not in self.cases, f"{operation} has two cases"
            self.cases[operation] = function
            return function

        return mark

    def prepare(self, world):
        """What the first cases leave behind, for a run of some."""
        world.waha.sessions.create({"name": world.session, "start": True})
        world.link(world.session)

    def begin(self, world):
        """The client itself, in this world."""

    def operations(self, world):
        """Every operation that the client has, by name."""
        raise NotImplementedError

    def blindly(self, world, operation):
        """Does what no case shows: it may only be refused."""
        raise AssertionError("no case shows it")

    def refusal(self, error, world):
        """Status and body of the answer behind a client's own error, where there is one."""
        if isinstance(error, httpx.HTTPStatusError):
            return error.response.status_code, error.response.json()
        return None


def methods(client):
    """Every public method of a client's groups, as `group.method`."""
    for name, group in vars(client).items():
        if not name.startswith("_") and type(group).__module__.split(".")[0].startswith("waha"):
            for method, function in sorted(vars(type(group)).items()):
                if inspect.isfunction(function) and not method.startswith(("_", "a_")):
                    yield f"{name}.{method}", getattr(group, method)


def model(kind, data):
    """The data as the SDK's own type; a list of them for a list."""
    if isinstance(data, list):
        return [kind.model_validate(item) for item in data]
    return kind.model_validate(data)


class Broken(Exception):
    """A client fails by itself, as its case expects."""


class Verdict:
    """What came of an operation: `served`, `refused`, `broken` or `wrong`, and why."""

    def __init__(self, operation, word, why="", status=None):
        self.operation, self.word, self.why, self.status = operation, word, why, status


def judge(world, suite, operation):
    """Shows one operation. A refusal counts only when it names itself (501), or stands in the suite's list."""
    show = suite.cases.get(operation)
    try:
        if show:
            show(world)
        else:
            suite.blindly(world, operation)
    except Broken as error:
        listed = operation in suite.broken
        return Verdict(operation, "broken" if listed else "wrong", str(error))
    except Exception as error:
        return of_error(world, suite, operation, error)
    if operation in suite.broken:
        return Verdict(operation, "wrong", "it works, but stands in the list of what is broken")
    if not show:
        return Verdict(operation, "wrong", "it answers, but no case shows what it does")
    if operation in suite.refused:
        return Verdict(operation, "wrong", "it is served, but stands in the list of what is refused")
    return Verdict(operation, "served")


def of_error(world, suite, operation, error):
    try:
        status, body = suite.refusal(error, world) or (None, None)
    except ValueError:
        status, body = None, None
    if status:
        known = body.get("message") and body["message"] == body.get("error") and body.get("statusCode") == status
        named = status == 501 and body.get("operation")
        listed = suite.refused.get(operation) == (status, body.get("field"))
        if known and (named or listed):
            return Verdict(operation, "refused", body["message"], status)
        return Verdict(operation, "wrong", f"{status} {str(body)[:300]}")
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} at {place.filename}:{place.lineno}"
    return Verdict(operation, "wrong", f"{where}: {str(error)[:400]}")
