"""The n8n node: its requests as they were recorded (`requests.jsonl`), each with its fields as the node has them by
itself (`default`) and filled in by a user (`filled`).

Method, address and body are the node's. Only what its user would have filled in is put in: ids of messages, groups and
channels that are there, and the host of the example files, which is no part of a test.
"""

import json
import pathlib
import re

from harness import Suite

RECORDED = pathlib.Path(__file__).with_name("requests.jsonl")
#: What stands in the recording for each of them.
FILLED_IN = {
    "message": r"false_5511988887777@c\.us_[0-9A-F]+",
    "own": r"true_5511988887777@c\.us_[0-9A-F]+",
    "group": r"\d{19,20}@g\.us",
    "channel": r"\d{20}@newsletter",
    "status": r"A{17}",
}
FILES = "https://github.com/devlikeapro"


class Node(Suite):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        recorded = [json.loads(line) for line in RECORDED.read_text().splitlines()]
        self.recorded = {f"{one['operation']} ({one['fields']})": one for one in recorded}
        assert len(self.recorded) == len(recorded)

    def show(self, operation):
        """Marks what shows both forms of an operation. It gets the world, a function that makes the recorded request, and
        the request itself."""

        def mark(function):
            forms = [name for name in self.recorded if name.rsplit(" (", 1)[0] == operation]
            assert forms, f"{operation} was not recorded"
            for name in forms:
                recorded = self.recorded[name]
                self.case(name)(lambda world, recorded=recorded: function(world, asker(world, recorded), recorded))
            return function

        return mark

    def operations(self, world):
        return list(self.recorded)

    def blindly(self, world, operation):
        asker(world, self.recorded[operation])()


def asker(world, recorded):
    def ask(**values):
        path, body = recorded["path"], json.dumps(recorded["body"])
        for name, value in values.items():
            path, body = (re.sub(FILLED_IN[name], value, text) for text in (path, body))
        body = body.replace(FILES, world.files.address + "/devlikeapro")
        how = {} if recorded["body"] is None else {"json": json.loads(body)}
        answer = world.plain.request(recorded["method"], world.address + path, **how)
        answer.raise_for_status()
        return answer.json()

    return ask


#: What the node asks without what its user has to fill in, or with a file that is no voice and no video.
NOT_FILLED_IN = {
    "Chatting / Send Link Preview (default)": (400, "url"),
    "Channels / Follow (default)": (400, "id"),
    "Channels / Unfollow (default)": (400, "id"),
    "Channels / Mute (default)": (400, "id"),
    "Channels / Unmute (default)": (400, "id"),
    "Groups / Create Group (default)": (400, "name"),
    "Groups / Set Subject (default)": (400, "subject"),
    "Labels / Get Chats By Label (default)": (400, "labelId"),
    "Chatting / Send Voice (filled)": (400, "file.mimetype"),
    "Chatting / Send Video (filled)": (400, "file.mimetype"),
    "Status / Send Voice Status (filled)": (400, "file.mimetype"),
    "Status / Send Video Status (filled)": (400, "file.mimetype"),
}
SUITE = Node(
    "n8n node",
    session="n8n",
    first=("Auth / Get QR (default)", "Auth / Request Code (default)"),
    refused=NOT_FILLED_IN,
)
