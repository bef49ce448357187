"""Who a socket is to the application."""

from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from channels.middleware import BaseMiddleware
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import Client, override_settings
from project import consumers
from project.asgi import websocket

from wstest_core import ConnectionRejected, NoMessage, UnexpectedMessage
from wstest_core.messages import AuthenticationMessage
from wstest_django import (
    WebsocketTestCase,
    bearer_headers,
    create_user,
    get_headers_for_user,
    session_headers,
    session_headers_for,
    with_query_token,
)

ENGINES = [
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cache",
    "django.contrib.sessions.backends.cached_db",
    "django.contrib.sessions.backends.file",
    "django.contrib.sessions.backends.signed_cookies",
]


class _ByToken(BaseMiddleware):
    """Who has a token, in a header or in the query, is somebody."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        header = dict(scope["headers"]).get(b"authorization", b"").decode()
        token = header.removeprefix("Bearer ") or scope["query_string"].decode()
        name = token.removeprefix("token=")
        users = get_user_model().objects
        found = await users.filter(username=name).afirst() or AnonymousUser()
        return await super().__call__(
            {**scope, "user": found, "session": {}}, receive, send
        )


by_token = _ByToken(consumers.WhoAmI.as_asgi())


class LoginTests(WebsocketTestCase):
    ws_path = "/ws/whoami/"

    @classmethod
    def setUpTestData(cls) -> None:
        cls.ann = get_user_model().objects.create_user("ann", password="secret")

    async def _name(self, communicator: Any) -> str:
        async with communicator as ws:
            name: str = (await ws.receive_json())["user"]
            return name

    async def test_nobody(self) -> None:
        """Without credentials, the application sees nobody."""
        assert await self._name(self.communicator) == "nobody"
        assert await self._name(self.create_communicator()) == "nobody"

    async def test_session_of_any_engine(self) -> None:
        """A session is recognised whatever engine keeps it."""
        for engine in ENGINES:
            with override_settings(SESSION_ENGINE=engine):
                headers = await get_headers_for_user(self.ann)
                socket = self.create_communicator(headers=headers)
                assert await self._name(socket) == "ann", engine

    async def test_login(self) -> None:
        """The test's own communicators are logged in, others are not."""
        await self.alogin(self.ann)
        assert await self._name(self.auth_communicator) == "ann"
        assert await self._name(self.communicator) == "nobody"
        assert await self._name(self.create_communicator(headers=[])) == "nobody"

    def test_login_of_a_plain_test(self) -> None:
        """So are those of a plain test."""
        self.login(self.ann)
        with self.create_sync_communicator() as ws:
            assert ws.receive_json()["user"] == "ann"

    async def test_login_after_the_making(self) -> None:
        """What counts is who is logged in when the socket connects."""
        socket = self.create_communicator()
        await self.alogin(self.ann)
        assert await self._name(socket) == "ann"

    async def test_user_in_the_scope(self) -> None:
        """Without session or database: authentication middleware leaves it."""
        assert await self._name(self.create_communicator(user=self.ann)) == "ann"

    async def test_two_users(self) -> None:
        """Each communicator may be somebody else."""
        bob, headers = await self.acreate_user_and_ws_headers(username="bob")
        await self.alogin(self.ann)
        assert await self._name(self.create_communicator(headers=headers)) == "bob"
        assert await self._name(self.create_communicator()) == "ann"
        assert bob.username == "bob"

    async def test_made_up_user(self) -> None:
        """A user needs no fields, and each is another one."""
        one, _ = await self.acreate_user_and_ws_headers()
        other = await sync_to_async(create_user)()
        assert one.username != other.username

    async def test_inactive_user(self) -> None:
        """force_login asks nobody; the backend does, as in production."""
        headers = await get_headers_for_user(self.ann)
        self.ann.is_active = False
        await self.ann.asave()
        socket = self.create_communicator(headers=headers)
        assert await self._name(socket) == "nobody"

    async def test_tokens(self) -> None:
        """Credentials in a header, or in the query."""
        header = self.create_communicator(
            router=by_token, headers=bearer_headers("ann")
        )
        assert await self._name(header) == "ann"
        query = self.create_communicator(
            router=by_token, ws_path=with_query_token("/", "ann")
        )
        assert await self._name(query) == "ann"

    async def test_scope_of_the_consumer(self) -> None:
        """Once connected, the scope shows what middleware and routers have added."""
        await self.alogin(self.ann)
        path = "/ws/room/lobby/"
        async with self.create_communicator(ws_path=path) as ws:
            assert ws.scope["url_route"]["kwargs"] == {"room": "lobby"}
            assert ws.scope["user"].username == "ann"
            assert "sessionid" in ws.scope["cookies"]
            session = ws.scope["session"]
            key = await sync_to_async(lambda: session["_auth_user_id"])()
            assert key == str(self.ann.pk)

    async def test_session_from_http_to_socket(self) -> None:
        """What a view puts into the session, a consumer finds."""
        await sync_to_async(self.client.get)("/session/?seen=home")
        async with self.create_communicator() as ws:
            assert (await ws.receive_json())["seen"] == "home"

    async def test_session_from_socket_to_http(self) -> None:
        """And the other way round."""
        await self.alogin(self.ann)
        async with self.create_communicator() as ws:
            await ws.receive_json()
            await ws.send_json({"seen": "chat"})
            await ws.receive_json()
        response = await sync_to_async(self.client.get)("/session/")
        assert response.json()["seen"] == "chat"

    async def test_session_of_an_async_client(self) -> None:
        """Any test client will do."""
        await self.async_client.aforce_login(self.ann)
        socket = self.create_communicator(test_client=self.async_client)
        assert await self._name(socket) == "ann"

    async def test_cookie_that_a_socket_is_given(self) -> None:
        """It is kept in the test client, whose cookies were sent."""
        sent: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            sent.append(dict(scope["headers"]).get(b"cookie"))
            cookie = (b"set-cookie", b"theme=dark; Path=/")
            await send({"type": "websocket.accept", "headers": [cookie]})
            await receive()
            await receive()

        client = Client()
        for _ in range(2):
            async with self.create_communicator(router=application, test_client=client):
                pass
        assert sent == [None, b"theme=dark"]
        assert client.cookies["theme"].value == "dark"

    def test_headers_of_a_user(self) -> None:
        """A session's header is one cookie, that of the client that has it."""
        self.client.force_login(self.ann)
        [(name, value)] = session_headers(self.client)
        assert name == b"cookie"
        assert value.startswith(b"sessionid=")
        assert session_headers(Client()) == []
        assert session_headers_for(self.ann) != session_headers(self.client)

    async def test_origin_is_the_own_host(self) -> None:
        """As a browser does for a page of the site; a given one stays."""
        async with self.create_communicator() as ws:
            await ws.receive_json()
            assert (b"origin", b"http://testserver") in ws.scope["headers"]
        own = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        async with self.create_communicator(headers=own) as ws:
            await ws.receive_json()
        with self.assertRaises(ConnectionRejected):
            async with self.create_communicator(headers=[(b"host", b"other.example")]):
                pass

    async def test_router_attribute(self) -> None:
        """The application may be the test case's own."""
        assert await self._name(self.create_communicator(router=websocket)) == "nobody"


class Speaking:
    """An application that says how it authenticated its client."""

    def __init__(self, status: int | None) -> None:
        self.status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        if self.status is not None:
            message = AuthenticationMessage.model_validate(
                {
                    "action": "authentication",
                    "payload": {"status_code": self.status, "status_text": "so"},
                }
            )
            text = message.model_dump_json()
            await send({"type": "websocket.send", "text": text})
        await receive()


class AuthenticationMessageTests(WebsocketTestCase):
    ws_path = "/"

    async def _message(self, status: int | None) -> Any:
        async with self.create_communicator(router=Speaking(status)) as ws:
            return await ws.wait_for_auth()

    async def test_status_and_payload(self) -> None:
        """The message is decoded; a refusal has its status."""
        assert (await self._message(200)).payload.status_code == 200
        assert (await self._message(403)).payload.status_text == "so"

    async def test_without_settings_it_may_be_absent(self) -> None:
        """Nobody waits for it then."""
        assert await self._message(None) is None

    @override_settings(WSTEST={"SEND_AUTHENTICATION_MESSAGE": True})
    async def test_setting_says_that_it_must_come(self) -> None:
        """Then its absence is a failure, as soon as it is known."""
        with self.assertRaises(NoMessage):
            await self._message(None)

    @override_settings(WSTEST={"SEND_AUTHENTICATION_MESSAGE": False})
    async def test_setting_says_that_it_does_not_come(self) -> None:
        """Then nothing is read."""
        async with self.create_communicator(router=Speaking(200)) as ws:
            assert await ws.wait_for_auth() is None
            assert (await ws.receive_json())["action"] == "authentication"

    async def test_status_ok(self) -> None:
        """A refusal fails the assertion, and says the status."""
        async with self.create_communicator(router=Speaking(200)) as ws:
            await ws.assert_authenticated_status_ok()
        async with self.create_communicator(router=Speaking(401)) as ws:
            with self.assertRaisesRegex(UnexpectedMessage, "status 401, not 200"):
                await ws.assert_authenticated_status_ok()

    @override_settings(WSTEST={"SEND_AUTHENTICATION_MESSAGE": True})
    def test_plain(self) -> None:
        """The communicator for plain tests knows the settings, too."""
        with self.create_sync_communicator(router=Speaking(200)) as ws:
            found = ws.wait_for_auth()
            assert found is not None
            assert found.payload.status_code == 200


class CamelCaseTests(WebsocketTestCase):
    ws_path = "/ws/echo/"
    databases: ClassVar = {"default"}

    @override_settings(WSTEST={"CAMELIZE": True})
    async def test_setting(self) -> None:
        """The application speaks camelCase, the test does not."""
        async with self.create_communicator() as ws:
            await ws.send_message({"user_name": "ann"})
            assert await ws.receive_json() == {"userName": "ann"}
            await ws.send_message({"user_name": "ann"})
            assert await ws.receive_message() == {"user_name": "ann"}
