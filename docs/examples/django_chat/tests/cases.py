"""What the tests share: a room, and users who join it."""

from typing import ClassVar

from chat.models import Room

from wstest_django import WebsocketCommunicator, WebsocketTestCase


class ChatTestCase(WebsocketTestCase):
    lobby: ClassVar[Room]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.lobby = Room.objects.create(slug="lobby", name="The lobby")

    async def join(self, who: str, room: str = "lobby") -> WebsocketCommunicator:
        """Log a new user in, who enters a room and has seen its history."""
        _, headers = await self.acreate_user_and_ws_headers(username=who)
        path = f"/ws/rooms/{room}/"
        ws = self.create_communicator(ws_path=path, headers=headers, name=who)
        assert await ws.connect() == (True, None)
        assert (await ws.receive_json())["action"] == "history"
        return ws  # the test case closes it
