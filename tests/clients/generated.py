#!/usr/bin/env python3
"""A bounded run of schemathesis, unmodified, against `/openapi.json` of a real supervisor with the simulator.

Requests are generated from the document, with a fixed seed. Checked: no server error, statuses, content types and
answers as the document says. One session is linked, so that requests reach a page; what would end the run itself
(deleting and stopping sessions, keys) is left out.
"""

import contextlib
import pathlib
import subprocess
import sys

from cases.waha_py import SUITE
from world import World

HERE = pathlib.Path(__file__).resolve().parent
#: Requests for each operation.
EXAMPLES = 8
#: What ends or slows the run for everything after it.
LEFT_OUT = r"^(sessions\.(delete|stop|logout|restart|create|start|depracated|deprecated)|api_keys\.|groups\.|auth\.request_code)"


def main():
    with contextlib.ExitStack() as stack:
        # The session of requests that name none, so that they reach a page.
        world = World(stack, session="default")
        SUITE.prepare(world)
        command = [
            str(HERE / ".venv/bin/schemathesis"), "--config-file", str(HERE / "schemathesis.toml"), "--no-color", "run", world.address + "/openapi.json",
            "--header", f"X-Api-Key: {world.key}", "--max-examples", str(EXAMPLES), "--seed", "1",
            "--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--workers", "1",
            "--request-timeout", "60", "--exclude-operation-id-regex", LEFT_OUT,
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ]  # fmt: skip
        code = subprocess.run(command, cwd=world.folder, check=False).returncode
        if code:
            print(world.log_tail(), file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
