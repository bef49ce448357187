"""Real servers, in a thread of this process."""

import urllib.request
from typing import Any, ClassVar

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.test import override_settings
from project.models import Entry, Note

from wstest_core import ConnectionRejected, NoMessage
from wstest_django import (
    ChannelLiveServerTestCase,
    ChannelsLiveServerTestCase,
    FreshLayer,
    WebsocketTestCase,
    apply_routes,
    live_websocket_server,
    send_to_group,
    session_headers,
)

SERVERS = ("daphne", "uvicorn")


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url) as response:
        return response.status, response.read().decode()


class _LiveTests:
    databases: ClassVar = {"default", "logs"}

    def test_page(self: Any) -> None:
        """The project is served over HTTP, on a port of its own."""
        self.assertTrue(self.live_server_url.startswith("http://localhost:"))
        status, _ = get(f"{self.live_server_url}/announce/a/?text=hi")
        self.assertEqual(status, 204)

    def test_static_file(self: Any) -> None:
        """So are its static files."""
        status, text = get(f"{self.live_server_url}/static/project/room.js")
        self.assertEqual(status, 200)
        self.assertIn("new WebSocket", text)

    async def _connect(self: Any, path: str, **handshake: Any) -> Any:
        live = self.live_server_ws_url
        return self.create_communicator(router=live, ws_path=path, **handshake)

    async def test_socket(self: Any) -> None:
        """And over WebSockets, to the same communicator as in-process."""
        async with await self._connect("/ws/echo/") as ws:
            await ws.send_json({"say": "hello"})
            self.assertEqual(await ws.receive_json(), {"say": "hello"})

    async def test_rows_are_shared(self: Any) -> None:
        """Test and server see the same rows, whatever kind of consumer it is."""
        await Note.objects.acreate(text="of the test")
        await sync_to_async(Entry.objects.create)(text="of the test")
        for number, kind in enumerate(("orm", "sync", "databasesynctoasync")):
            async with await self._connect(f"/ws/{kind}/") as ws:
                await ws.send_json({"write": kind})
                found = (await ws.receive_json())["notes"]
                self.assertEqual(found[0], "of the test")
                self.assertEqual(len(found), number + 2)
        self.assertEqual(await Note.objects.acount(), 4)

    async def test_rows_are_gone(self: Any) -> None:
        """The next test finds none of them."""
        self.assertEqual(await Note.objects.acount(), 0)

    async def test_group(self: Any) -> None:
        """A broadcast of the test reaches the server's clients."""
        async with await self._connect("/ws/room/a/") as ws:
            await ws.send_json({"text": "from the socket"})
            self.assertEqual((await ws.receive_json())["text"], "from the socket")
            send_to_group("default", "a", {"type": "room.said", "text": "hi"})
            self.assertEqual(await ws.receive_json(), {"room": "a", "text": "hi"})
            await sync_to_async(get)(f"{self.live_server_url}/announce/a/?text=news")
            self.assertEqual((await ws.receive_json())["text"], "news")

    async def test_session(self: Any) -> None:
        """A session of the test is the server's, too."""
        user = await get_user_model().objects.acreate_user("ann")
        await self.client.aforce_login(user)
        headers = session_headers(self.client)
        async with await self._connect("/ws/whoami/", headers=headers) as ws:
            self.assertEqual((await ws.receive_json())["user"], "ann")

    async def test_refusal(self: Any) -> None:
        """A refusal is the same error as in-process, as a browser sees it."""
        for router in (None, self.live_server_ws_url):
            with self.assertRaises(ConnectionRejected) as caught:
                async with self.create_communicator(
                    router=router, ws_path="/ws/refusing/"
                ):
                    pass
            self.assertEqual(caught.exception.status, 403)

    def test_plain(self: Any) -> None:
        """A plain test may talk to the server as well."""
        live = self.live_server_ws_url
        path = "/ws/syncecho/"
        with self.create_sync_communicator(router=live, ws_path=path) as ws:
            ws.send_json("hello")
            self.assertEqual(ws.receive_json(), "hello")

    async def test_routes(self: Any) -> None:
        """Routes that a test applies are served, too."""

        class Bye(AsyncJsonWebsocketConsumer):
            async def connect(self) -> None:
                await self.accept()
                await self.send_json("bye")

        with apply_routes(Bye):
            async with await self._connect("/anywhere/") as ws:
                self.assertEqual(await ws.receive_json(), "bye")

    async def test_crash(self: Any) -> None:
        """An application that fails ends a connection, and not the server."""
        with self.assertLogs(level="ERROR"):
            async with await self._connect("/ws/raising/") as ws:
                await ws.send_json({})
                with self.assertRaises(NoMessage):
                    await ws.receive_json()
        await self.test_socket()


class DaphneTests(_LiveTests, ChannelLiveServerTestCase):
    pass


class DaphneAgainTests(_LiveTests, ChannelsLiveServerTestCase):
    """daphne may be run as often as there are classes."""


class UvicornTests(_LiveTests, ChannelLiveServerTestCase):
    server = "uvicorn"


class RollbackTests(WebsocketTestCase):
    databases: ClassVar = {"default", "logs"}

    async def test_server_in_a_rollback_test(self) -> None:
        """A server for one test sees its rows, before they are rolled back."""
        await Note.objects.acreate(text="of the test")
        await Entry.objects.acreate(text="of the test")
        for server in SERVERS:
            with live_websocket_server(server=server) as live:
                async with self.create_communicator(
                    router=live.ws_url, ws_path="/ws/sync/"
                ) as ws:
                    await ws.send_json({"write": server})
                    found = await ws.receive_json()
                    self.assertIn("of the test", found["notes"])
                    self.assertIn(server, found["entries"])

    async def test_proofs_after_a_server(self) -> None:
        """A server that has ended leaves nothing that stands in their way."""
        for server in SERVERS:
            with live_websocket_server(server=server):
                pass
        async with self.create_communicator(ws_path="/ws/echo/") as ws:
            with self.assertRaisesMessage(NoMessage, "nothing more can arrive"):
                await ws.receive_json(timeout=60)

    def test_unknown_server(self) -> None:
        """A server that there is not is refused at once."""
        unknown: Any = "gunicorn"
        with self.assertRaisesMessage(ValueError, "there are 'daphne' and 'uvicorn'"):
            live_websocket_server(server=unknown).__enter__()


@override_settings(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [("127.0.0.1", 1)]},
            "TEST_CONFIG": {"capacity": 7},
        },
        "second": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "TEST_CONFIG": {"capacity": 5},
        },
        "third": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [("127.0.0.1", 1)]},
        },
    }
)
class TestConfigTests(ChannelLiveServerTestCase):
    test_channel_aliases: ClassVar = ["second", "third"]

    def test_backend_of_the_test_config(self) -> None:
        """A layer with a TEST_CONFIG is its own backend; others are in memory."""
        second = get_channel_layer("second")
        self.assertEqual(type(second).__name__, "InMemoryChannelLayer")
        self.assertEqual(second.capacity, 5)
        self.assertIsInstance(get_channel_layer("third"), FreshLayer)

    def test_flushed(self) -> None:
        """It is flushed before each test."""
        second = get_channel_layer("second")
        self.assertEqual(second.channels, {})
        async_to_sync(second.send)("jobs", {"type": "job"})

    test_flushed_again = test_flushed


@pytest.mark.asyncio
@pytest.mark.django_db(databases=["default", "logs"])
async def test_fixture(ws_live_server: Any, ws_connect: Any) -> None:
    """The fixture serves a test of pytest-django, whose rows it sees."""
    await Note.objects.acreate(text="of the test")

    from wstest_django import WebsocketCommunicator

    async with WebsocketCommunicator(ws_live_server.ws_url, "/ws/sync/") as ws:
        await ws.send_json({"write": "live"})
        assert (await ws.receive_json())["notes"] == ["of the test", "live"]
    async with ws_connect("/ws/sync/") as ws:
        await ws.send_json({"write": "in-process"})
        assert len((await ws.receive_json())["notes"]) == 3


class LiveHandshakeTests(ChannelLiveServerTestCase):
    databases: ClassVar = {"default", "logs"}
    ws_path = "/ws/whoami/"

    async def test_login(self) -> None:
        """Who is logged in is so on the server, too."""
        user = await get_user_model().objects.acreate_user("ann")
        await self.alogin(user)
        live = self.live_server_ws_url
        async with self.create_communicator(router=live) as ws:
            self.assertEqual((await ws.receive_json())["user"], "ann")
        async with self.create_communicator(router=live, headers=[]) as ws:
            self.assertEqual((await ws.receive_json())["user"], "nobody")

    def test_user_in_the_scope(self) -> None:
        """A server's scope is out of reach, and the error says what is not."""
        user = get_user_model()(username="ann")
        with self.assertRaisesMessage(ValueError, "headers=session_headers_for(user)"):
            self.create_communicator(router=self.live_server_ws_url, user=user)
