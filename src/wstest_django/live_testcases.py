"""Channels' test case with a live server."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from channels.layers import channel_layers

from wstest_django.layers import FreshLayer, fresh_layers
from wstest_django.live import LiveServer, ServerName, live_websocket_server
from wstest_django.testcases import WebsocketTransactionTestCase

__all__ = ["ChannelLiveServerTestCase", "ChannelsLiveServerTestCase"]


class ChannelLiveServerTestCase(WebsocketTransactionTestCase):
    """A test case with a real server, for browsers and other clients.

    The project's application is served for HTTP and WebSockets by daphne, or
    by uvicorn if `server` says so, in a thread of this process, from the first
    test of the class to its last. It sees the rows of the tests, in a database
    in memory too. `host` is where it listens, on a port that is free; it
    serves static files unless `serve_static` is False.

    Channel layers are fresh ones in memory. One that has a `TEST_CONFIG` in
    the settings is made with that instead, and flushed before each test: the
    one of `CONFIG`, perhaps a Redis in use, is never asked for anything.

    `create_communicator(router=self.live_server_ws_url)` connects to it.
    """

    __module__ = "wstest_django"

    host: ClassVar[str] = "localhost"
    server: ClassVar[ServerName] = "daphne"
    serve_static: ClassVar[bool] = True
    live_server: ClassVar[LiveServer]

    @property
    def live_server_url(self) -> str:
        """The address of the pages: "http://host:port"."""
        return self.live_server.url

    @property
    def live_server_ws_url(self) -> str:
        """The address of the WebSockets: "ws://host:port"."""
        return self.live_server.ws_url

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.live_server = cls.enterClassContext(
            live_websocket_server(
                host=cls.host, server=cls.server, serve_static=cls.serve_static
            )
        )

    def _layers(self) -> AbstractContextManager[Mapping[str, FreshLayer]]:
        return fresh_layers(self.test_channel_aliases, test_configs=True)

    def setUp(self) -> None:
        super().setUp()
        wanted = self.test_channel_aliases
        for alias, config in channel_layers.configs.items():
            if (wanted is None or alias in wanted) and "TEST_CONFIG" in config:
                _flush(alias)


def _flush(alias: str) -> None:
    try:
        layer: Any = channel_layers[alias]
        async_to_sync(layer.flush)()
    except Exception as error:
        error.add_note(
            f"The channel layer {alias!r} is made with its TEST_CONFIG, and flushed "
            "before each test. Start what it needs, or leave TEST_CONFIG out: then "
            "it is a fresh one in memory."
        )
        raise


ChannelsLiveServerTestCase = ChannelLiveServerTestCase
