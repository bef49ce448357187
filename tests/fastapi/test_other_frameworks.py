"""Nothing here is FastAPI's alone: other frameworks are driven in the same way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.backends import on
from tests.services import require_package
from wstest_core import NoMessage
from wstest_fastapi import AppClient

pytestmark = [pytest.mark.anyio, on("asyncio")]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """An application of one's own, without a framework."""
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["greeting"] = "hello"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"set-cookie", b"user=ann")]})
        await send({"type": "http.response.body", "body": b""})
    else:
        await receive()
        await send({"type": "websocket.accept"})
        cookie = dict(scope["headers"]).get(b"cookie", b"").decode()
        text = f"{scope['state']['greeting']} {cookie}"
        await send({"type": "websocket.send", "text": text})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"]})


def litestar() -> Any:
    require_package("litestar")
    from litestar import Litestar, Response, WebSocket, get, websocket
    from litestar.datastructures import Cookie

    @asynccontextmanager
    async def live(app: Any) -> AsyncIterator[None]:
        app.state.greeting = "hello"
        yield

    @get("/")
    async def login() -> Response[None]:
        return Response(None, cookies=[Cookie("user", value="ann")])

    @websocket("/ws")
    async def echo(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()
        user = socket.cookies.get("user", "")
        text = f"{socket.app.state.greeting} {f'user={user}' if user else ''}"
        await socket.send_text(text)
        async for received in socket.iter_data("text"):
            await socket.send_text(received)

    # Its logging leaves a thread behind, which stands in the way of proofs.
    return Litestar([login, echo], lifespan=[live], logging_config=None)


def quart() -> Any:
    require_package("quart")
    from quart import Quart, Response, websocket

    app = Quart(__name__)
    found = {}

    @app.before_serving
    async def startup() -> None:
        found["greeting"] = "hello"

    @app.get("/")
    async def login() -> Response:
        response = Response("")
        response.set_cookie("user", "ann")
        return response

    @app.websocket("/ws")
    async def echo() -> None:
        user = websocket.cookies.get("user", "")
        await websocket.send(f"{found['greeting']} {f'user={user}' if user else ''}")
        while True:
            await websocket.send(await websocket.receive())

    return app


@pytest.mark.parametrize(
    "make", [lambda: bare, litestar, quart], ids=["bare", "litestar", "quart"]
)
async def test_a_whole_session(make: Any) -> None:
    """Lifespan, a request, its cookie, frames and a proof of silence."""
    async with AppClient(make()) as client:
        async with client.websocket("/ws") as ws:
            assert await ws.receive_text() == "hello "
        await client.http.get("/")
        async with client.websocket("/ws", timeout=60) as ws:
            assert await ws.receive_text() == "hello user=ann"
            await ws.send_text("one")
            assert await ws.receive_text() == "one"
            with pytest.raises(NoMessage, match="nothing more can arrive"):
                await ws.receive_text()
