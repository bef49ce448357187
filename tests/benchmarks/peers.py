"""The peers whose tests are coroutines, each used as its manual says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

from .application import ADAPTER, Application, Consumer, Json
from .contenders import Client, Contender, Models, Verbs

Theirs: TypeAlias = Any
Waits: TypeAlias = Callable[..., Awaitable[Json]]

URL = "ws://testserver/ws"
WINDOW = 0.1


def validated(receive: Waits) -> Callable[[], Awaitable[Models]]:
    """Reads JSON up to the completion message and validates it into models."""

    async def receive_models() -> Models:
        models: list[Any] = []
        while (message := await receive())["action"] != "complete":
            models.append(ADAPTER.validate_python(message))
        return models

    return receive_models


async def _timed_out(waiting: Awaitable[Json]) -> bool:
    try:
        await waiting
    except TimeoutError:
        return True
    return False


def own_timeout(ws: Theirs) -> Awaitable[bool]:
    """Says "nothing" with the timeout a peer's receive takes."""
    return _timed_out(ws.receive_json(timeout=WINDOW))


def cut_off(ws: Theirs) -> Awaitable[bool]:
    """Says "nothing" where a peer knows neither a verb nor a timeout for it."""
    return _timed_out(asyncio.wait_for(ws.receive_json(), WINDOW))


def _channels_verbs(ws: Theirs) -> Verbs:
    return Verbs(
        ws.send_json_to,
        ws.receive_json_from,
        validated(ws.receive_json_from),
        ws.receive_nothing,
        ws.disconnect,
    )


def _chanx_verbs(ws: Theirs) -> Verbs:
    return Verbs(
        ws.send_json_to,
        ws.receive_json_from,
        ws.receive_all_messages,
        ws.receive_all_messages,
        ws.disconnect,
    )


def _from_communicator(
    make: Callable[[], Theirs], verbs: Callable[[Theirs], Verbs]
) -> Client:
    async def open_one() -> Verbs:
        ws = make()
        await ws.connect()
        return verbs(ws)

    async def cycle() -> None:
        ws = make()
        await ws.connect()
        await ws.disconnect()

    return Client(open_one, cycle)


def _settings() -> None:
    conf = import_module("django.conf")
    if not conf.settings.configured:
        installed = ["django.contrib.contenttypes", "django.contrib.auth"]
        conf.settings.configure(INSTALLED_APPS=installed)
        import_module("django").setup()


def channels_like(
    module: str,
) -> Callable[[Application], AbstractAsyncContextManager[Client]]:
    @asynccontextmanager
    async def client(application: Application) -> AsyncIterator[Client]:
        _settings()
        testing = import_module(module)
        yield _from_communicator(
            lambda: testing.WebsocketCommunicator(application, "/ws"),
            _channels_verbs,
        )

    return client


def chanx_like(
    module: str,
) -> Callable[[Application], AbstractAsyncContextManager[Client]]:
    @asynccontextmanager
    async def client(application: Application) -> AsyncIterator[Client]:
        _settings()
        testing = import_module(module)
        yield _from_communicator(
            lambda: testing.WebsocketCommunicator(
                application, "/ws", consumer=Consumer
            ),
            _chanx_verbs,
        )

    return client


def _from_context(
    connect: Callable[[], Theirs], nothing: Callable[[Theirs], Awaitable[bool]]
) -> Client:
    async def open_one() -> Verbs:
        context = connect()
        ws = await context.__aenter__()

        async def close() -> None:
            await context.__aexit__(None, None, None)

        return Verbs(
            ws.send_json,
            ws.receive_json,
            validated(ws.receive_json),
            partial(nothing, ws),
            close,
        )

    async def cycle() -> None:
        async with connect():
            pass

    return Client(open_one, cycle)


@asynccontextmanager
async def httpx_ws(application: Application) -> AsyncIterator[Client]:
    httpx, library = import_module("httpx"), import_module("httpx_ws")
    transport = import_module("httpx_ws.transport").ASGIWebSocketTransport
    async with httpx.AsyncClient(transport=transport(application)) as client:
        yield _from_context(lambda: library.aconnect_ws(URL, client), own_timeout)


@asynccontextmanager
async def httpx2(application: Application) -> AsyncIterator[Client]:
    library: ModuleType = import_module("httpx2")
    transport = import_module("httpx2.websockets").ASGIWebSocketTransport
    async with library.AsyncClient(transport=transport(application)) as client:
        yield _from_context(lambda: client.websocket(URL), own_timeout)


@asynccontextmanager
async def async_asgi_testclient(application: Application) -> AsyncIterator[Client]:
    library = import_module("async_asgi_testclient")
    async with library.TestClient(application) as client:
        yield _from_context(lambda: client.websocket_connect("/ws"), cut_off)


OWN = "receive_nothing(), its default of 0.1 s"
COLLECT = "receive_all_messages(), its default of 1 s"
TIMEOUT = "a receive with a timeout of 0.1 s: it has no verb for it"
CUT = "a receive cut off after 0.1 s: it has no verb for it"

ASYNC_PEERS = (
    Contender(
        "channels.testing",
        "channels",
        channels_like("channels.testing"),
        negative=OWN,
    ),
    Contender(
        "fast_channels.testing",
        "fast-channels",
        channels_like("fast_channels.testing"),
        negative=OWN,
    ),
    Contender(
        "chanx (channels)",
        "chanx",
        chanx_like("chanx.channels.testing"),
        negative=COLLECT,
    ),
    Contender(
        "chanx (fast_channels)",
        "chanx",
        chanx_like("chanx.fast_channels.testing"),
        negative=COLLECT,
    ),
    Contender("httpx-ws", "httpx-ws", httpx_ws, negative=TIMEOUT),
    Contender("httpx2[ws]", "httpx2", httpx2, negative=TIMEOUT),
    Contender(
        "async-asgi-testclient",
        "async-asgi-testclient",
        async_asgi_testclient,
        negative=CUT,
    ),
)
