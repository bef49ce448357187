"""Who is let in, who is not, and who has to leave."""

from chat.consumers import NO_SUCH_ROOM, NOT_LOGGED_IN, ROOM_CLOSED

from tests.cases import ChatTestCase
from wstest_core import ConnectionRejected


class LoginTests(ChatTestCase):
    ws_path = "/ws/rooms/lobby/"

    def setUp(self) -> None:
        super().setUp()
        self.create_user(username="ann", password="s3cret")

    async def test_strangers_are_refused(self) -> None:
        """Without a login there is no connection."""
        for path in ("/ws/rooms/lobby/", "/ws/rooms/"):
            stranger = self.create_communicator(ws_path=path)
            assert await stranger.connect() == (False, NOT_LOGGED_IN)

    async def test_logging_in_opens_the_rooms(self) -> None:
        """The session of an HTTP client is that of its sockets."""
        browser = self.async_client
        form = {"username": "ann", "password": "s3cret"}
        assert (await browser.post("/login/", form)).status_code == 204
        async with self.create_communicator(test_client=browser) as ws:
            assert ws.scope["user"].get_username() == "ann"
            await ws.skip()
        assert (await browser.post("/logout/")).status_code == 204
        out = self.create_communicator(test_client=browser)
        assert await out.connect() == (False, NOT_LOGGED_IN)

    async def test_a_wrong_password(self) -> None:
        """Who fails to log in stays a stranger."""
        form = {"username": "ann", "password": "secret"}
        answer = await self.async_client.post("/login/", form)
        assert answer.status_code == 401
        ws = self.create_communicator(test_client=self.async_client)
        assert await ws.connect() == (False, NOT_LOGGED_IN)


class RefusalTests(ChatTestCase):
    ws_path = "/ws/rooms/lobby/"

    def setUp(self) -> None:
        super().setUp()
        self.login(self.create_user(username="ann"))

    async def test_there_is_no_such_room(self) -> None:
        """Nobody enters a room that does not exist."""
        ws = self.create_communicator(ws_path="/ws/rooms/nowhere/")
        assert await ws.connect() == (False, NO_SUCH_ROOM)

    async def test_pages_of_others(self) -> None:
        """A page of another site cannot use the user's login."""
        origin = [(b"origin", b"https://evil.example")]
        ws = self.create_communicator(headers=origin, test_client=self.client)
        with self.assertRaisesRegex(ConnectionRejected, "evil.example"):  # noqa: PT027
            async with ws:
                self.fail("it was let in")

    async def test_a_room_is_closed(self) -> None:
        """When a room is deleted, those in it are put out."""
        async with self.create_communicator() as ws:
            await ws.skip()
            await self.lobby.adelete()
            await ws.expect_closed(ROOM_CLOSED)
