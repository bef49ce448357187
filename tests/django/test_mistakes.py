"""What is said to who gives what is not meant, or lacks what settings name."""

from types import SimpleNamespace
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.test import AsyncClient, Client, override_settings
from django.utils.functional import SimpleLazyObject
from project.asgi import application
from redis.exceptions import ConnectionError as NoRedis

from wstest_django import (
    ChannelLiveServerTestCase,
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
    WebsocketTestCase,
    create_user,
    session_headers_for,
    websocket_application,
)

NOBODY_THERE = {"hosts": [("127.0.0.1", 1)]}


class CoroutineTests(WebsocketTestCase):
    databases: ClassVar = {"default"}

    async def test_create_user(self) -> None:
        """The error names what a coroutine awaits instead."""
        for make in (self.create_user, self.create_user_and_ws_headers, create_user):
            with self.assertRaisesMessage(
                SynchronousOnlyOperation, "in a coroutine, await acreate_user()"
            ):
                make()

    async def test_session_headers_for(self) -> None:
        """So it does for a user's headers."""
        user = await self.acreate_user()
        with self.assertRaisesMessage(
            SynchronousOnlyOperation, "in a coroutine, await get_headers_for_user()"
        ):
            session_headers_for(user)


class ApplicationTests(WebsocketTestCase):
    @override_settings(ASGI_APPLICATION="project.nowhere.application")
    def test_import(self) -> None:
        """An application that cannot be imported: what could not be."""
        with self.assertRaisesMessage(
            ImproperlyConfigured,
            "Cannot import ASGI_APPLICATION module 'project.nowhere' (No module named "
            "'project.nowhere'). The test looks for its application there: ",
        ):
            websocket_application()


class ArgumentTests(WebsocketTestCase):
    ws_path = "/ws/echo/"
    databases: ClassVar = {"default"}

    def _refuses(self, text: str, *args: Any, **arguments: Any) -> None:
        for make in (self.create_communicator, self.create_sync_communicator):
            with self.assertRaisesMessage(TypeError, text):
                make(*args, **arguments)

    def test_path_comes_first(self) -> None:
        """The path may be given without its name, as to the fixtures."""
        for ws in (
            self.create_communicator("/ws/room/a/"),
            self.create_sync_communicator("/ws/room/a/"),
            self.create_communicator(ws_path="/ws/room/a/"),
        ):
            self.assertEqual(ws.scope["path"], "/ws/room/a/")

    def test_application_in_the_place_of_the_path(self) -> None:
        """As `WebsocketCommunicator` takes it: which argument it is here."""
        self._refuses("an application is given as router=", application)

    def test_client(self) -> None:
        """A test client is not the address that is called client in the scope."""
        for client in (self.client, self.async_client):
            self._refuses(
                "a test client of Django's is given as test_client=", client=client
            )

    def test_client_of_a_communicator(self) -> None:
        """A communicator by itself takes a client's headers."""
        for kind in (WebsocketCommunicator, SyncWebsocketCommunicator):
            for client in (Client(), AsyncClient()):
                other: Any = client
                with self.assertRaisesMessage(
                    TypeError, "is given as headers=session_headers(client)"
                ):
                    kind(application, "/ws/echo/", client=other)

    def test_address(self) -> None:
        """An address is what it was."""
        ws = self.create_communicator(client=("10.0.0.1", 5))
        self.assertEqual(ws.scope["client"], ("10.0.0.1", 5))

    def test_client_that_is_none(self) -> None:
        """What has no cookies is no test client."""
        self._refuses(
            "test_client='x' is no test client of Django's: give self.client",
            test_client="x",
        )

    def test_user(self) -> None:
        """A name, a number, a class and what must be awaited are no users."""
        for user in ("x", 1, (AnonymousUser(), []), User):
            self._refuses(
                f"user={user!r} is no user: give one of the project's model", user=user
            )
        coroutine = self.acreate_user()
        self._refuses(" is no user: await it", user=coroutine)
        coroutine.close()

    def test_stand_in_of_a_user(self) -> None:
        """An object of any class may be one; who a lazy one is nobody asks."""
        stand_in = SimpleNamespace(name="ann")
        lazy = SimpleLazyObject(lambda: self.fail("it was asked"))
        for user in (AnonymousUser(), stand_in, lazy):
            ws = self.create_communicator(user=user)
            self.assertIs(ws.scope["user"], user)


class _Faulty:
    """Tests that are run by a test, and never by a runner."""

    class WithoutRedis(ChannelLiveServerTestCase):
        databases: ClassVar = {"default", "logs"}
        test_channel_aliases: ClassVar = ["default"]

        def test(self) -> None:
            pass


@override_settings(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "TEST_CONFIG": NOBODY_THERE,
        },
    }
)
class TestConfigTests(WebsocketTestCase):
    test_channel_aliases: ClassVar = []

    def test_redis_does_not_run(self) -> None:
        """A layer that cannot be flushed: which, and why it should be."""
        case = _Faulty.WithoutRedis("test")
        with self.assertRaises(NoRedis) as caught:
            case.setUp()
        self.assertIn(
            "The channel layer 'default' is made with its TEST_CONFIG, and flushed "
            "before each test.",
            caught.exception.__notes__[0],
        )
