"""Which origins are let in by validators that were made before the tests began."""

from typing import Any, ClassVar

from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from django.test import TestCase, override_settings
from project.consumers import Echo

import wstest_core
from wstest_core import ConnectionRejected
from wstest_django import (
    WebsocketCommunicator,
    WebsocketTestCase,
    fresh_layers,
    live_websocket_server,
)

ADDRESS = "127.0.0.1"


def validator(*hosts: str, debug: bool = False) -> Any:
    """One that was made while the setting had these hosts."""
    with override_settings(ALLOWED_HOSTS=list(hosts), DEBUG=debug):
        return AllowedHostsOriginValidator(Echo.as_asgi())


class OriginTests(WebsocketTestCase):
    ws_path = "/ws/echo/"

    async def _echoes(self, application: Any) -> None:
        async with self.create_communicator(router=application) as ws:
            await ws.send_json("hello")
            self.assertEqual(await ws.receive_json(), "hello")

    async def test_made_before_the_tests(self) -> None:
        """One that allows all of the setting allows the test server, too."""
        for hosts, debug in (("a.example",), False), ((), False), ((), True):
            with override_settings(ALLOWED_HOSTS=[*hosts, "testserver"]):
                await self._echoes(validator(*hosts, debug=debug))

    async def test_live_after_in_process(self) -> None:
        """A live server is let in by one that was used before, and afterwards."""
        with override_settings(ALLOWED_HOSTS=["a.example", "testserver"]):
            application = validator("a.example", "testserver")
            for _ in range(2):
                await self._echoes(application)
                with live_websocket_server(application, host=ADDRESS) as live:
                    await self._echoes(live.ws_url)

    async def test_own_origins(self) -> None:
        """One that allows other origins goes on to refuse the rest."""
        application = OriginValidator(Echo.as_asgi(), ["https://a.example"])
        with self.assertRaises(ConnectionRejected):
            await self._echoes(application)
        with (
            live_websocket_server(application, host=ADDRESS) as live,
            self.assertRaises(ConnectionRejected),
        ):
            await self._echoes(live.ws_url)


class WithoutATestCaseTests(TestCase):
    databases: ClassVar = {"default", "logs"}

    async def test_each_package_s_own_communicator(self) -> None:
        """Django's sends an origin by itself; core's does not, and is refused."""
        application = validator("testserver")
        with fresh_layers():
            async with WebsocketCommunicator(application, "/") as ws:
                await ws.send_json("hello")
                self.assertEqual(await ws.receive_json(), "hello")
            plain = wstest_core.WebsocketCommunicator(application, "/")
            self.assertEqual(await plain.connect(), (False, 1000))
