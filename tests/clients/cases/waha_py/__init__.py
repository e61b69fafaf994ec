"""waha-py: generated from the convention's own document, with typed models. One module per part of it."""

import inspect

from httpx import HTTPStatusError

from harness import Broken, Suite, methods


class WahaPy(Suite):
    def operations(self, world):
        return dict(methods(world.waha))

    def blindly(self, world, operation):
        """Whatever it is asked, only 501 is right."""
        method = dict(methods(world.waha))[operation]
        arguments = {}
        for name in inspect.signature(method).parameters:
            if name in ("payload", "params"):
                arguments[name] = {"session": world.session}
            elif name == "session":
                arguments[name] = world.session
            elif name != "kwargs":
                arguments[name] = "1"
        method(**arguments)


SUITE = WahaPy("waha-py 2026.9.2", first=("ping.ping", "sessions.create", "auth.get_qr", "sessions.get"), broken=("mcp.post",))
case = SUITE.case


@case("mcp.post")
def _(world):
    """It posts without saying that it takes JSON and streams, as the Model Context Protocol demands of a client."""
    try:
        SUITE.blindly(world, "mcp.post")
    except HTTPStatusError as error:
        if error.response.status_code == 406 and "text/event-stream" not in error.request.headers["accept"]:
            raise Broken("406: it does not accept what the protocol answers with") from error
        raise
