"""waha-python: another author's client, with arguments of its own and no types. One module per part of it."""

from waha_python import WAHAClient
from waha_python.exceptions import WAHAClientError

from harness import Broken, Suite, methods


class WahaPython(Suite):
    def begin(self, world):
        world.python = WAHAClient(base_url=world.address, api_key=world.key, timeout=90)
        # Its errors say only a text, so the answers are looked at as they come in.
        world.python._session.hooks["response"].append(lambda answer, *_, **__: setattr(world, "answer", answer))

    def operations(self, world):
        return dict(methods(world.python))

    def refusal(self, error, world):
        if not isinstance(error, WAHAClientError):
            return super().refusal(error, world)
        body = world.answer.json()
        # What the client's user reads is the answer's `message`, but where the client has words of its own.
        assert world.answer.status_code in (401, 404, 429) or body["message"] in str(error), error
        return world.answer.status_code, body


#: Their classes have a `get` of their own, and then call it as if it were the one that makes a request: most calls end in
#: a TypeError before there is one, and that of `get_me` asks for another address than it means.
BROKEN = (
    "sessions.list",
    "sessions.get_me",
    "groups.list",
    "groups.get_count",
    "groups.get_invite_code",
    "groups.get_participants",
    "channels.list",
    "channels.get_messages",
)
SUITE = WahaPython(
    "waha-python 1.0.0",
    first=("sessions.create", "sessions.get_qr", "sessions.get"),
    broken=BROKEN,
)
case = SUITE.case


def broken(operation, *arguments):
    @case(operation)
    def _(world):
        world.answer = None
        group, method = operation.split(".")
        try:
            getattr(getattr(world.python, group), method)(*(argument(world) for argument in arguments))
        except TypeError as error:
            assert world.answer is None, "it did make a request"
            raise Broken(f"TypeError: {error}") from error
        except WAHAClientError as error:
            path = world.answer.request.path_url
            if path.count("/api/") == 2:
                raise Broken(f"it asks for {path}") from error
            raise


session = lambda world: world.session
group = lambda world: world.group
broken("sessions.list")
broken("sessions.get_me", session)
broken("groups.list", session)
broken("groups.get_count", session)
broken("groups.get_invite_code", session, group)
broken("groups.get_participants", session, group)
broken("channels.list", session)
broken("channels.get_messages", session, group)
