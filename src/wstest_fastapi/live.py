"""A real server for an application, in a thread of this process."""

from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from os import PathLike
from socket import socket
from typing import Any, Final, TypeAlias, final

from wstest_core.drivers import AsgiApplication, single_callable
from wstest_core.lifespan import Lifespan
from wstest_core.live import LiveServer, live_server, shut_down
from wstest_fastapi._extras import need_live
from wstest_fastapi.overrides import dependency_overrides

need_live()
import uvicorn  # noqa: E402 - not before it is known to be there

__all__ = ["LiveServer", "live_websocket_server"]

# uvicorn's options are its own, and new ones come with new versions.
UvicornOption: TypeAlias = Any
_Path: TypeAlias = str | PathLike[str]

_DEFAULTS: Final[dict[str, UvicornOption]] = {
    "log_config": None,  # pytest shows what it logs, for tests that fail
    "interface": "asgi3",
    "loop": "asyncio",  # its rest can be seen, so others' silence be proved
    "timeout_graceful_shutdown": 5,
}
_NOT_HERE: Final = frozenset({"port", "fd", "uds", "reload", "workers"})


@contextmanager
def live_websocket_server(
    application: AsgiApplication | str,
    *,
    host: str = "127.0.0.1",
    lifespan: bool = True,
    timeout: float = 30.0,
    ssl_certfile: _Path | None = None,
    ssl_keyfile: _Path | None = None,
    **uvicorn_options: UvicornOption,
) -> Generator[LiveServer]:
    """Serve an ASGI application with uvicorn while a block lasts.

    `application` may be an import string. It runs in a thread of this
    process, on a free port of `host` that is bound once; `url` and `ws_url`
    of what is yielded say where. Startup has ended when the block begins, and
    shutdown when it is left, unless `lifespan` is False. With a certificate
    (`ssl_keyfile` may be left out if it is in the same file) it speaks TLS.
    Other options are those of `uvicorn.Config`; `timeout`, in seconds, guards
    startup and shutdown, each, against hanging. At the end,
    `dependency_overrides` are put back.

    It is a plain `with`, in async tests too: disconnect within the block.

    >>> import asyncio
    >>> from fastapi import FastAPI, WebSocket
    >>> from wstest_core import WebsocketCommunicator
    >>> app = FastAPI()
    >>> @app.websocket("/ws")
    ... async def greet(socket: WebSocket) -> None:
    ...     await socket.accept()
    ...     await socket.send_text("hello")
    ...     await socket.close()
    >>> async def test():
    ...     with live_websocket_server(app) as server:
    ...         async with WebsocketCommunicator(server.ws_url, "/ws") as ws:
    ...             assert await ws.receive_text() == "hello"
    >>> asyncio.run(test())

    Raises:
        ApplicationCrashed: if startup or shutdown fails, chained to its error.
        RuntimeError: if the server does not start or end; see `live_server`.
        TypeError: for an option that makes no sense for such a server.
    """
    if refused := _NOT_HERE & uvicorn_options.keys():
        raise TypeError(
            f"{', '.join(sorted(refused))}: the server runs in a thread of this "
            "process, on a port that is free; `url` and `ws_url` say which"
        )
    life = Lifespan(application, timeout=timeout)
    config = uvicorn.Config(
        life if lifespan else single_callable(life.application),
        host=host,
        lifespan="off",  # ours tells what went wrong
        ssl_certfile=ssl_certfile,
        ssl_keyfile=ssl_keyfile,
        **{**_DEFAULTS, **uvicorn_options},
    )
    server = _Server(config, life if lifespan else nullcontext())
    # The server's own guard comes after the lifespan's, which says more.
    guard = 2 * timeout
    with (
        dependency_overrides(life.application),
        live_server(server, host=host, secure=config.is_ssl, timeout=guard) as live,
    ):
        yield live


@final
class _Server(uvicorn.Server):
    """uvicorn, with the lifespan around it, and no patience with clients at its end."""

    def __init__(
        self, config: uvicorn.Config, around: AbstractAsyncContextManager[object]
    ) -> None:
        super().__init__(config)
        self._around = around

    async def serve(self, sockets: list[socket] | None = None) -> None:
        async with self._around:
            await super().serve(sockets)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await shut_down(super().shutdown(sockets), self.server_state.connections)
