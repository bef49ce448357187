"""Tests as those of `channels.testing` are written, with the import changed.

They run by Django's runner, and under pytest with pytest-asyncio.
"""

import subprocess
import sys
from typing import Any

import pytest
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.contrib.auth.models import AnonymousUser
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.urls import path
from project.models import Note

from wstest_core import UndecodableFrame
from wstest_django import HttpCommunicator, WebsocketCommunicator, fresh_layers


class Echo(AsyncWebsocketConsumer):
    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        await self.send(text_data, bytes_data)


class SyncEcho(WebsocketConsumer):
    def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        self.send(text_data, bytes_data)


class Chooser(AsyncWebsocketConsumer):
    """Chooses a subprotocol, or refuses."""

    async def connect(self) -> None:
        if "chat.v2" in self.scope["subprotocols"]:
            await self.accept("chat.v2")
        else:
            await self.close(4400)


class Mirror(AsyncJsonWebsocketConsumer):
    """Tells what it was called with."""

    async def connect(self) -> None:
        await self.accept()
        user = self.scope.get("user")
        await self.send_json(
            {
                "path": self.scope["path"],
                "query": self.scope["query_string"].decode(),
                "kwargs": self.scope.get("url_route", {}).get("kwargs"),
                "header": dict(self.scope["headers"]).get(b"x-test", b"").decode(),
                "user": None if user is None else str(user),
            }
        )


class Silent(AsyncWebsocketConsumer):
    """Speaks when it is spoken to."""

    async def receive(self, text_data: str | None = None, **_: Any) -> None:
        if text_data == "bye":
            await self.close(4001)


class Greeting(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.accept(headers=[(b"x-answer", b"42")])


class Visits(JsonWebsocketConsumer):
    """Counts in the session, and in the database."""

    def connect(self) -> None:
        self.accept()
        session = self.scope["session"]
        session["visits"] = session.get("visits", 0) + 1
        session.save()
        Note.objects.create(text="a visit")
        self.send_json({"visits": session["visits"]})


class Leaving(AsyncWebsocketConsumer):
    codes: list[int] = []

    async def receive(self, text_data: str | None = None, **_: Any) -> None:
        await self.close()

    async def disconnect(self, code: int) -> None:
        self.codes.append(code)


class Login(AsyncJsonWebsocketConsumer):
    """Keeps in its scope what it learns."""

    async def receive_json(self, content: Any, **_: Any) -> None:
        self.scope["user"] = content["user"]
        await self.send_json(None)


class Overriding(WebsocketCommunicator[Any]):
    """Tells when what asgiref and Channels build on is used."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.called: list[str] = []

    async def receive_output(self, timeout: float | None = None) -> Any:
        self.called.append("receive_output")
        return await super().receive_output(timeout)

    async def receive_from(self, timeout: float | None = None) -> Any:
        self.called.append("receive_from")
        return await super().receive_from(timeout)

    async def send_to(self, text_data: Any = None, bytes_data: Any = None) -> None:
        self.called.append("send_to")
        await super().send_to(text_data, bytes_data)


class _Talks:
    """What the documentation of `channels.testing` shows."""

    async def test_text_and_bytes(self) -> None:
        """connect, send_to, receive_from, disconnect; with as_asgi()."""
        for consumer in (Echo, SyncEcho):
            communicator = WebsocketCommunicator(consumer.as_asgi(), "/testws/")
            connected, subprotocol = await communicator.connect()
            assert connected
            assert subprotocol is None
            await communicator.send_to(text_data="hello")
            assert await communicator.receive_from() == "hello"
            await communicator.send_to(bytes_data=b"w\0\0\0")
            assert await communicator.receive_from() == b"w\0\0\0"
            await communicator.disconnect()

    async def test_bare_consumer_class(self) -> None:
        """An application may be a consumer class without as_asgi()."""
        communicator = WebsocketCommunicator(Echo, "/testws/")
        connected, _ = await communicator.connect()
        assert connected
        await communicator.send_json_to({"hello": "world"})
        assert await communicator.receive_json_from() == {"hello": "world"}
        await communicator.disconnect()

    async def test_subprotocols(self) -> None:
        """The chosen subprotocol, or the code of a refusal, is returned."""
        offered = ["chat.v1", "chat.v2"]
        communicator = WebsocketCommunicator(
            Chooser.as_asgi(), "/", subprotocols=offered
        )
        assert await communicator.connect() == (True, "chat.v2")
        await communicator.disconnect()
        communicator = WebsocketCommunicator(Chooser.as_asgi(), "/")
        assert await communicator.connect() == (False, 4400)

    async def test_path_and_query(self) -> None:
        """The path is unquoted, and the query is a part of its own."""
        communicator = WebsocketCommunicator(
            Mirror.as_asgi(), "/a%20room/?order=1", headers=[(b"x-test", b"yes")]
        )
        await communicator.connect()
        seen = await communicator.receive_json_from()
        assert seen["path"] == "/a room/"
        assert seen["query"] == "order=1"
        assert seen["header"] == "yes"
        await communicator.disconnect()

    async def test_through_a_router(self) -> None:
        """URL parameters come from the router."""
        router = URLRouter([path("room/<str:name>/", Mirror.as_asgi())])
        communicator = WebsocketCommunicator(router, "/room/lobby/")
        connected, _ = await communicator.connect()
        assert connected
        seen = await communicator.receive_json_from()
        assert seen["kwargs"] == {"name": "lobby"}
        await communicator.disconnect()

    async def test_what_is_sent_to_a_client_that_has_gone(self) -> None:
        """It is dropped and the consumer goes on, as with daphne; ASGI 2.4 raises."""
        log: list[str] = []

        class Polite(AsyncWebsocketConsumer):
            async def disconnect(self, code: int) -> None:
                log.append("leaving")
                await self.send("farewell")
                log.append("left")

        for version, last in ((None, "left"), ("2.4", "leaving")):
            communicator = WebsocketCommunicator(
                Polite.as_asgi(), "/", spec_version=version
            )
            await communicator.connect()
            await communicator.disconnect()
            assert log.pop() == last
            log.clear()

    async def test_work_before_the_goodbye(self) -> None:
        """What was sent before disconnect() is dealt with, and answered."""
        log: list[str] = []

        class Careful(AsyncWebsocketConsumer):
            async def receive(
                self, text_data: str | None = None, bytes_data: bytes | None = None
            ) -> None:
                await self.send(text_data)
                log.append(str(text_data))

            async def disconnect(self, code: int) -> None:
                log.append("left")

        communicator = WebsocketCommunicator(Careful.as_asgi(), "/")
        await communicator.connect()
        await communicator.send_to("one")
        await communicator.send_to("two")
        await communicator.disconnect()
        assert log == ["one", "two", "left"]
        assert await communicator.receive_from() == "one"
        assert await communicator.receive_from() == "two"

    async def test_scope_set_by_hand(self) -> None:
        """What is put into the scope before connecting, the consumer sees."""
        communicator = WebsocketCommunicator(Mirror.as_asgi(), "/room/lobby/")
        communicator.scope["url_route"] = {"args": (), "kwargs": {"name": "attic"}}
        communicator.scope["user"] = AnonymousUser()
        await communicator.connect()
        seen = await communicator.receive_json_from()
        assert seen["kwargs"] == {"name": "attic"}
        assert seen["user"] == "AnonymousUser"
        assert communicator.scope["url_route"]["kwargs"] == {"name": "attic"}
        await communicator.disconnect()

    async def test_scope_that_the_consumer_changes(self) -> None:
        """Where no middleware copies it, the scope is the consumer's own."""
        communicator = WebsocketCommunicator(Login.as_asgi(), "/")
        await communicator.connect()
        await communicator.send_json_to({"user": "ann"})
        await communicator.receive_json_from()
        assert communicator.scope["user"] == "ann"
        await communicator.disconnect()

    async def test_nothing(self) -> None:
        """receive_nothing takes Channels' arguments, and does not sleep."""
        communicator = WebsocketCommunicator(Silent.as_asgi(), "/")
        await communicator.connect()
        assert await communicator.receive_nothing()
        assert await communicator.receive_nothing(timeout=3600, interval=60) is True
        await communicator.send_to(text_data="bye")
        assert await communicator.receive_nothing(0.1, 0.01) is False
        await communicator.disconnect()

    async def test_events(self) -> None:
        """send_input and receive_output speak raw events."""
        communicator = WebsocketCommunicator(Silent.as_asgi(), "/")
        await communicator.send_input({"type": "websocket.connect"})
        accepted = await communicator.receive_output(timeout=1)
        assert accepted["type"] == "websocket.accept"
        await communicator.send_input({"type": "websocket.receive", "text": "bye"})
        closed = await communicator.receive_output(1)
        assert (closed["type"], closed["code"]) == ("websocket.close", 4001)
        await communicator.wait()

    async def test_own_close(self) -> None:
        """A close has its code, and the consumer is told of its disconnect."""
        Leaving.codes.clear()
        communicator = WebsocketCommunicator(Leaving.as_asgi(), "/")
        await communicator.connect()
        await communicator.send_to(text_data="bye")
        assert await communicator.receive_output() == {
            "type": "websocket.close",
            "code": 1000,
        }
        await communicator.settle()
        assert Leaving.codes == [1000]
        await communicator.disconnect()

    async def test_close_instead_of_a_frame(self) -> None:
        """It is an AssertionError, with the code."""
        communicator = WebsocketCommunicator(Silent.as_asgi(), "/")
        await communicator.connect()
        await communicator.send_to(text_data="bye")
        with pytest.raises(AssertionError, match="code 4001"):
            await communicator.receive_from()
        await communicator.disconnect()

    async def test_overridden_verbs(self) -> None:
        """An overridden verb is used by who calls it, and by no other verb."""
        communicator = Overriding(Echo.as_asgi(), "/")
        await communicator.connect()
        await communicator.send_json_to({})
        assert await communicator.receive_json_from() == {}
        assert communicator.called == []
        await communicator.disconnect()

    async def test_senseless_arguments(self) -> None:
        """They are told as such, and not by an assertion."""
        communicator = WebsocketCommunicator(Echo.as_asgi(), "/")
        await communicator.connect()
        with pytest.raises(ValueError, match="exactly one"):
            await communicator.send_to()
        with pytest.raises(ValueError, match="channel layer"):
            await communicator.send_input({"type": "chat.message"})
        with pytest.raises(ValueError, match="start it with '/'"):
            WebsocketCommunicator(Echo.as_asgi(), "testws/")
        with pytest.raises(TypeError):
            HttpCommunicator(Echo.as_asgi(), "GET", "/", "text")  # type: ignore[arg-type]
        await communicator.send_to(text_data="")
        assert await communicator.receive_from() == ""
        await communicator.disconnect()

    async def test_binary_json(self) -> None:
        """A binary frame is JSON as well; what is no JSON is told."""
        communicator = WebsocketCommunicator(Echo.as_asgi(), "/")
        await communicator.connect()
        await communicator.send_to(bytes_data=b"[1]")
        assert await communicator.receive_json_from() == [1]
        await communicator.send_to(text_data="no JSON")
        with pytest.raises(UndecodableFrame):
            await communicator.receive_json_from()
        await communicator.disconnect()

    async def test_a_timeout_is_what_tests_catch(self) -> None:
        """Waiting in vain is a TimeoutError, and the connection goes on."""
        communicator = WebsocketCommunicator(Echo.as_asgi(), "/")
        await communicator.connect()
        with pytest.raises(TimeoutError):
            await communicator.receive_from(timeout=0.01)
        await communicator.send_to(text_data="still there")
        assert await communicator.receive_from() == "still there"
        await communicator.disconnect()

    async def test_response_headers(self) -> None:
        """What the application accepted with can be read."""
        communicator = WebsocketCommunicator(Greeting.as_asgi(), "/")
        assert communicator.response_headers == []
        await communicator.connect()
        assert (b"x-answer", b"42") in communicator.response_headers
        await communicator.disconnect()

    async def test_code_of_a_disconnect(self) -> None:
        """The consumer's disconnect hook has run when disconnect() returns."""
        Leaving.codes.clear()
        communicator = WebsocketCommunicator(Leaving.as_asgi(), "/")
        await communicator.connect()
        await communicator.disconnect(code=4321)
        assert Leaving.codes == [4321]

    async def test_wrong_path(self) -> None:
        """A path that is no str is refused, as Channels does."""
        with pytest.raises(TypeError):
            WebsocketCommunicator(Echo.as_asgi(), b"/bytes/")  # type: ignore[arg-type]


class _Database:
    async def test_session_and_database(self) -> None:
        """Session middleware and the ORM work, in consumers and in the test."""
        application = SessionMiddlewareStack(Visits.as_asgi())
        communicator = WebsocketCommunicator(application, "/")
        await communicator.connect()
        assert await communicator.receive_json_from() == {"visits": 1}
        await communicator.disconnect()
        assert await Note.objects.acount() == 1


class _Layers:
    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]  # Django's
        self.enterContext(fresh_layers())


class SimpleTalkTests(_Talks, _Layers, SimpleTestCase):
    """In the simplest of Django's test cases."""


class TalkTests(_Talks, _Database, _Layers, TestCase):
    """In a test case that rolls back."""


class TransactionTalkTests(_Database, _Layers, TransactionTestCase):
    """In a test case that flushes."""


@pytest.mark.asyncio
@pytest.mark.usefixtures("ws_layers")
class TestUnderPytest(_Talks):
    """Under pytest-asyncio."""


@pytest.mark.asyncio
@pytest.mark.django_db
@pytest.mark.usefixtures("ws_layers", "ws_database")
class TestUnderPytestWithDatabase(_Database):
    """Under pytest-asyncio and pytest-django."""


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ws_layers", "ws_database")
class TestUnderPytestWithTransactions(_Database):
    """The same where the database is flushed."""


@pytest.mark.asyncio
@pytest.mark.usefixtures("ws_layers")
async def test_my_consumer() -> None:
    """A plain function, as the documentation has it."""
    communicator = WebsocketCommunicator(Echo.as_asgi(), "/testws/")
    connected, _ = await communicator.connect()
    assert connected
    await communicator.disconnect()


SCRIPT = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
import django
django.setup()
import wstest_django
for name in wstest_django.__all__:
    getattr(wstest_django, name)
heavy = ("channels.testing", "daphne", "twisted", "rest_framework", "chanx")
print([name for name in heavy if name in sys.modules])
"""


class ImportTests(SimpleTestCase):
    def test_what_is_not_imported(self) -> None:
        """Every name is there without channels.testing, Daphne or REST framework."""
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            check=True,
            cwd=__file__.rpartition("/")[0],
        )
        assert ran.stdout.strip() == "[]"
