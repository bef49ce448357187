"""What the tests share.

They say everything with verbs that Channels' and chanx's communicators have, too.
"""

from typing import Any, TypeAlias

from wstest_django import WebsocketCommunicator, WebsocketTestCase

Json: TypeAlias = Any


class TutorialTestCase(WebsocketTestCase):
    async def connected(self, path: str) -> WebsocketCommunicator:
        """Connect a client, which the test case closes."""
        ws = self.create_communicator(ws_path=path)
        assert await ws.connect() == (True, None)
        return ws

    async def collected(self, ws: WebsocketCommunicator, stop_action: str) -> Json:
        """Collect messages up to one with this action."""
        return await ws.receive_all_messages(stop_action)


def message(action: str, payload: Json = None) -> Json:
    return {"action": action, "payload": payload}
