"""A real server in a thread, whose application can be changed between connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from wstest_core.live import live_server, shut_down

# What an older uvicorn uses of websockets is deprecated there, and says so, once in a
# process: to whichever test is the first to start a server.
OLD_UVICORN = (
    "ignore:websockets.legacy is deprecated:DeprecationWarning",
    "ignore:websockets.server.WebSocketServerProtocol is deprecated:DeprecationWarning",
    "ignore:remove second argument of ws_handler:DeprecationWarning",
)


class Server:
    """Serves `application`, whichever it is when a client connects."""

    url = ""
    application: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.application(scope, receive, send)


class _Uvicorn(uvicorn.Server):
    async def shutdown(self, sockets: Any = None) -> None:
        await shut_down(super().shutdown(sockets), self.server_state.connections)


@contextmanager
def server(**options: Any) -> Iterator[Server]:
    """Serve on a free port while a block lasts."""
    serving = Server()
    config = uvicorn.Config(
        serving,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=5,
        **options,
    )
    with live_server(_Uvicorn(config), secure=config.is_ssl) as live:
        serving.url = live.ws_url
        yield serving
