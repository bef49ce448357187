"""The test cases themselves: when what runs, and in which loop and thread."""

import asyncio
import pickle
import threading
import unittest
from typing import Any, ClassVar
from unittest.mock import AsyncMock, patch

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.test import TestCase, TransactionTestCase, override_settings
from project import consumers
from project.models import Note

from wstest_django import (
    WebsocketTestCase,
    WebsocketTransactionTestCase,
    websocket_application,
)

# pytest's fixtures are used where pytest runs these tests.
UNDER_PYTEST: list[str] = []


class LoopTests(WebsocketTestCase):
    ws_path = "/ws/echo/"

    def setUp(self) -> None:
        super().setUp()
        self.steps = ["setUp"]
        self.prepared = self.create_communicator()
        self.addCleanup(self._check)

    async def asyncSetUp(self) -> None:
        self.steps.append("asyncSetUp")
        self.loop = asyncio.get_running_loop()
        self.connected = self.create_communicator(name="connected")
        await self.connected.connect()

    async def asyncTearDown(self) -> None:
        self.steps.append("asyncTearDown")
        assert asyncio.get_running_loop() is self.loop

    def tearDown(self) -> None:
        self.steps.append("tearDown")
        assert self.create_communicator().close_code is None

    def _check(self) -> None:
        assert self.steps == [
            *("setUp", "asyncSetUp", "test", "asyncTearDown", "tearDown")
        ]
        # The test case has closed what the test left open, in the test's loop.
        assert self.connected.close_code is not None
        assert self.connected.exception is None

    async def test_one_loop(self) -> None:
        """Set-up, test, teardown and the closing share one event loop."""
        self.steps.append("test")
        assert asyncio.get_running_loop() is self.loop
        await self.connected.send_json("hello")
        assert await self.connected.receive_json() == "hello"
        async with self.prepared as ws:
            await ws.send_json("prepared in setUp")
            assert await ws.receive_json() == "prepared in setUp"

    async def test_left_open(self) -> None:
        """A connection may be left to the test case."""
        self.steps.append("test")
        await self.prepared.connect()


class PlainTests(WebsocketTestCase):
    ws_path = "/ws/syncecho/"

    def setUp(self) -> None:
        super().setUp()
        self.early = self.create_sync_communicator(name="early")
        self.early.connect()

    def tearDown(self) -> None:
        self.early.send_json("late")
        assert self.early.receive_json() == "late"

    def test_plain(self) -> None:
        """A plain test may use a connection from setUp to tearDown."""
        self.early.send_json("hello")
        assert self.early.receive_json() == "hello"
        with self.create_sync_communicator() as ws:
            assert ws.receive_nothing()

    def test_async_to_sync(self) -> None:
        """One coroutine in a plain test has a loop of its own."""

        async def whole() -> None:
            async with self.create_communicator() as ws:
                await ws.send_json("hello")
                assert await ws.receive_json() == "hello"

        async_to_sync(whole)()


class ToolsTests(WebsocketTestCase):
    ws_path = "/ws/echo/"

    @classmethod
    def setUpTestData(cls) -> None:
        cls.note = Note.objects.create(text="of the class")

    @patch("project.consumers.Echo.receive_json", new_callable=AsyncMock)
    async def test_patch(self, receive_json: AsyncMock) -> None:
        """Mocks that are decorators work on coroutines."""
        async with self.create_communicator() as ws:
            await ws.send_json("hello")
            await ws.settle()
        receive_json.assert_awaited_once_with("hello")

    @override_settings(ASGI_APPLICATION="project.asgi.websocket")
    async def test_override_settings(self) -> None:
        """So do settings."""
        assert type(websocket_application()).__name__ == "OriginValidator"
        async with self.create_communicator() as ws:
            await ws.send_json("hello")
            assert await ws.receive_json() == "hello"

    async def test_test_data_is_each_test_s_own(self) -> None:
        """What a test does to an object of the class, others do not see."""
        assert self.note.text == "of the class"
        self.note.text = "changed"
        await self.note.asave()

    test_test_data_again = test_test_data_is_each_test_s_own

    async def test_thread_sensitive_code_runs_in_the_test_s_thread(self) -> None:
        """As under Django's own test cases."""
        main = await sync_to_async(threading.current_thread)()
        assert main is threading.main_thread()

    @unittest.skip("on purpose")
    async def test_skipped(self) -> None:
        """A skipped coroutine is skipped."""
        raise AssertionError("not reached")

    def test_may_be_pickled(self) -> None:
        """Parallel runs send test cases to other processes."""
        again = pickle.loads(pickle.dumps(ToolsTests("test_patch")))
        assert again.id() == ToolsTests("test_patch").id()


class ConsumerTests(WebsocketTestCase):
    consumer = consumers.Echo
    router = consumers.Echo
    ws_path = "/anywhere"

    def get_ws_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"x-own", b"1")]

    def get_subprotocols(self) -> list[str]:
        return ["chat"]

    async def test_router_may_be_a_consumer(self) -> None:
        """A test case of one consumer needs no routes."""
        async with self.auth_communicator as ws:
            assert ws.consumer is consumers.Echo
            assert ws is self.auth_communicator
            assert ws is not self.communicator
            assert (b"x-own", b"1") in ws.scope["headers"]
            assert ws.scope["subprotocols"] == ["chat"]
        assert (b"x-own", b"1") not in self.communicator.scope["headers"]


class NoSetUpTests(WebsocketTestCase):
    ws_path = "/ws/echo/"

    def setUp(self) -> None:
        """Does not call the one of the class."""

    def get_ws_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"x-own", b"1")]

    async def test_works_all_the_same(self) -> None:
        """Fresh layers, database and headers do not depend on setUp."""
        async with self.create_communicator() as ws:
            assert (b"x-own", b"1") in ws.scope["headers"]


class FixtureTests(WebsocketTestCase):
    ws_path = "/ws/echo/"

    @pytest.fixture(autouse=True)
    def _inject_fixtures(self, tmp_path: Any) -> None:
        UNDER_PYTEST.append("injected")
        self.folder = tmp_path

    async def test_injected(self) -> None:
        """pytest's autouse fixtures set attributes of a test case."""
        if UNDER_PYTEST:
            assert self.folder.is_dir()
        async with self.create_communicator() as ws:
            await ws.send_json("hello")
            assert await ws.receive_json() == "hello"


class FlushingTests(WebsocketTransactionTestCase):
    databases: ClassVar = {"default"}
    ws_path = "/ws/notes/"

    async def asyncSetUp(self) -> None:
        self.ws = self.create_communicator()
        await self.ws.connect()

    async def test_same_interface(self) -> None:
        """The flushing test case has all that the other one has."""
        await Note.objects.acreate(text="milk")
        assert await self.ws.receive_json() == ["created", "milk"]
        assert self.channel_layers["default"].members("notes")


class BothBasesTests(TestCase):
    def test_bases(self) -> None:
        """Each is a test case of Django's, of the sort that its name says."""
        assert issubclass(WebsocketTestCase, TestCase)
        assert issubclass(WebsocketTransactionTestCase, TransactionTestCase)
        assert not issubclass(WebsocketTransactionTestCase, TestCase)


class MistakesTests(WebsocketTestCase):
    ws_path = "/ws/echo/"

    def test_unknown_argument(self) -> None:
        """An argument that there is not: which there are."""
        others: dict[str, Any] = {"path": "/"}
        with self.assertRaisesMessage(TypeError, "takes no path: its path is ws_path"):
            self.create_communicator(**others)

    async def test_login_in_a_coroutine(self) -> None:
        """The plain login says what to await."""
        user = await sync_to_async(self.create_user)()
        with self.assertRaisesMessage(SynchronousOnlyOperation, "await alogin()"):
            self.login(user)

    def test_set_up_that_is_a_coroutine_function(self) -> None:
        """Nobody would await it: the test fails, and says its other name."""

        class Wrong(WebsocketTestCase):
            async def setUp(self) -> None:
                raise AssertionError("not reached")

            def test(self) -> None:
                raise AssertionError("not reached")

        case = Wrong("test")
        with self.assertRaisesMessage(TypeError, "name it asyncSetUp"):
            case._callSetUp()
