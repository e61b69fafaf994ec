"""waha-py: generated from the convention's own document, with typed models. One module per part of it."""

import inspect

from harness import Suite, methods


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


SUITE = WahaPy("waha-py 2026.9.2", first=("ping.ping", "sessions.create", "auth.get_qr", "sessions.get"))
case = SUITE.case
