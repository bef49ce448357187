"""A real server in a thread, whose application can be changed between connections."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

# What an older uvicorn uses of websockets is deprecated there, and says so.
old_uvicorn = pytest.mark.filterwarnings(
    "ignore:websockets.legacy is deprecated:DeprecationWarning",
    "ignore:websockets.server.WebSocketServerProtocol is deprecated:DeprecationWarning",
    "ignore:remove second argument of ws_handler:DeprecationWarning",
)


class Server:
    """Serves `application`, whichever it is when a client connects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.application: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.application(scope, receive, send)


@contextmanager
def server(**options: Any) -> Iterator[Server]:
    """Serve on a free port, which accepts from the first moment on."""
    scheme = "wss" if "ssl_certfile" in options else "ws"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = Server(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            serving,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=5,
            **options,
        )
        uvicorn_server = uvicorn.Server(config)
        thread = threading.Thread(
            target=uvicorn_server.run, kwargs={"sockets": [listener]}, name="uvicorn"
        )
        thread.start()
        try:
            yield serving
        finally:
            uvicorn_server.should_exit = True
            thread.join()
