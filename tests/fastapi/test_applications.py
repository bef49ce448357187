"""Plain FastAPI and Starlette applications, driven as they are."""

import asyncio
import socket
from typing import Annotated, Any

import anyio
import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    Query,
    WebSocket,
    WebSocketDisconnect,
)
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute

from tests.backends import on
from tests.services import require_package
from wstest_core import (
    ApplicationCrashed,
    ConnectionRejected,
    NoMessage,
)
from wstest_fastapi import AppClient, WebsocketCommunicator

pytestmark = pytest.mark.anyio

app = FastAPI()
log: list[object] = []


@pytest.fixture(autouse=True)
def empty_log() -> None:
    log.clear()


async def item_of(room: str, token: Annotated[str, Query()]) -> str:
    return f"{room}/{token}"


class Held:
    """A dependency with a teardown."""

    async def __call__(self) -> Any:
        log.append("opened")
        yield "held"
        log.append("closed")


@app.websocket("/depends/{room}")
async def depends(
    socket: WebSocket,
    item: Annotated[str, Depends(item_of)],
    held: Annotated[str, Depends(Held())],
) -> None:
    await socket.accept()
    await socket.send_json([item, held])
    async for _ in socket.iter_text():
        pass


@app.websocket("/json/{mode}")
async def json_modes(socket: WebSocket, mode: str) -> None:
    await socket.accept()
    while True:
        found = await socket.receive_json(mode)
        await socket.send_json({"got": found}, mode)


@app.websocket("/iter")
async def iterate(socket: WebSocket) -> None:
    await socket.accept()
    async for message in socket.iter_json():
        await socket.send_json(message)
    log.append("left")


@app.websocket("/goodbye")
async def goodbye(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect as left:
        log.append((left.code, left.reason))


@app.websocket("/unhandled")
async def unhandled(socket: WebSocket) -> None:
    """Lets `WebSocketDisconnect` escape, as most examples do."""
    await socket.accept()
    await socket.receive_text()


@app.websocket("/binary")
async def binary(socket: WebSocket) -> None:
    await socket.accept()
    async for content in socket.iter_bytes():
        await socket.send_bytes(content[::-1])


@app.websocket("/tasks")
async def tasks(socket: WebSocket) -> None:
    await socket.accept()
    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(socket.send_text, str(number))
        await socket.receive_text()
        group.cancel_scope.cancel()


async def test_dependencies() -> None:
    """Parameters reach them, and their teardown runs when the client has left."""
    async with WebsocketCommunicator(app, "/depends/lobby?token=t") as ws:
        assert await ws.receive_json() == ["lobby/t", "held"]
    assert log == ["opened", "closed"]


async def test_a_parameter_that_is_missing_is_a_refusal() -> None:
    """FastAPI validates before it accepts."""
    assert (await WebsocketCommunicator(app, "/depends/lobby").connect())[0] is False


@pytest.mark.parametrize("mode", ["text", "binary"])
async def test_receive_json_in_both_modes(mode: str) -> None:
    """JSON is read from frames of either kind, and sent in the kind asked for."""
    async with WebsocketCommunicator(app, f"/json/{mode}") as ws:
        if mode == "text":
            await ws.send_json({"a": 1})
        else:
            await ws.send_bytes(b'{"a": 1}')
        assert await ws.receive_json() == {"got": {"a": 1}}
        await ws.expect_nothing()


async def test_iter_json_ends_with_the_client() -> None:
    """The loop is left when the client has."""
    async with WebsocketCommunicator(app, "/iter") as ws:
        for number in range(3):
            await ws.send_json(number)
        assert await ws.receive_all_json() == [0, 1, 2]
    assert log == ["left"]


async def test_disconnect_is_handled() -> None:
    """The application is told code and reason."""
    ws = WebsocketCommunicator(app, "/goodbye")
    await ws.connect()
    await ws.disconnect(4000, reason="bye")
    assert log == [(4000, "bye")]


async def test_disconnect_is_not_handled() -> None:
    """An endpoint that lets it escape has done nothing wrong."""
    async with WebsocketCommunicator(app, "/unhandled"):
        pass


async def test_binary_frames() -> None:
    """They arrive as bytes."""
    async with WebsocketCommunicator(app, "/binary") as ws:
        await ws.send_bytes(b"abc")
        assert await ws.receive_bytes() == b"cba"


async def test_tasks_of_an_endpoint() -> None:
    """What they send is received; they end with it."""
    async with WebsocketCommunicator(app, "/tasks") as ws:
        found = [await ws.receive_text() for _ in range(3)]
        assert sorted(found) == ["0", "1", "2"]
        await ws.send_text("enough")
        await ws.expect_closed(1006)


class Counter(WebSocketEndpoint):
    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.count = 0

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        self.count += data
        await websocket.send_json({"count": self.count})

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        log.append(close_code)


async def test_websocket_endpoint() -> None:
    """Starlette's class-based endpoints; what they cannot decode closes."""
    starlette = Starlette(routes=[WebSocketRoute("/count", Counter)])
    async with WebsocketCommunicator(starlette, "/count") as ws:
        await ws.send_json(2)
        await ws.send_json(3)
        assert await ws.receive_all_json() == [{"count": 2}, {"count": 5}]
    assert log == [1000]
    async with WebsocketCommunicator(starlette, "/count") as ws:
        await ws.send_text("not json")
        await ws.expect_closed(1003)
        with pytest.raises(ApplicationCrashed, match="Malformed JSON"):
            await ws.disconnect()


class Sleeper(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await anyio.sleep(3600)


@on("asyncio", "asyncio-eager")
async def test_place_in_an_endpoint() -> None:
    """A failure tells where an endpoint stands, not where that is awaited."""
    starlette = Starlette(routes=[WebSocketRoute("/sleep", Sleeper)])
    async with WebsocketCommunicator(starlette, "/sleep") as ws:
        with pytest.raises(NoMessage) as failure:
            await ws.receive_text()
        assert "waiting for input in receive() at" in str(failure.value)
        await ws.send_text("x")
        with pytest.raises(NoMessage) as failure:
            await ws.receive_text()
        assert "is sleeping in on_receive() at" in str(failure.value)


@on("asyncio", "asyncio-eager")
async def test_idle_socket_beside_an_endpoint() -> None:
    """An endpoint waits for its client only, whatever the application has open."""
    starlette = Starlette(routes=[WebSocketRoute("/count", Counter)])
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    with theirs:
        line, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        async with WebsocketCommunicator(starlette, "/count", timeout=60) as ws:
            with pytest.raises(NoMessage, match="nothing more is expected to arrive"):
                await ws.receive_text()
        line.close()
        await asyncio.sleep(0)


async def remember(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json(dict(socket.session))


async def test_middleware() -> None:
    """CORS, trusted hosts and others stand around sockets as around requests."""
    starlette = Starlette(
        routes=[WebSocketRoute("/count", Counter)],
        middleware=[
            Middleware(CORSMiddleware, allow_origins=["https://shop.example"]),
            Middleware(TrustedHostMiddleware, allowed_hosts=["shop.example"]),
        ],
    )
    async with WebsocketCommunicator(starlette, "ws://shop.example/count") as ws:
        await ws.send_json(1)
        assert await ws.receive_json() == {"count": 1}
    with pytest.raises(ConnectionRejected) as refusal:
        await WebsocketCommunicator(starlette, "ws://evil.example/count").__aenter__()
    assert refusal.value.status in (400, 403)


async def test_sessions() -> None:
    """A session begun by a request is a socket's session too."""
    require_package("itsdangerous")
    from starlette.middleware.sessions import SessionMiddleware

    async def enter(request: Any) -> Any:
        from starlette.responses import Response

        request.session["user"] = "ann"
        return Response()

    starlette = Starlette(
        routes=[Route("/enter", enter), WebSocketRoute("/ws", remember)],
        middleware=[Middleware(SessionMiddleware, secret_key="secret")],
    )
    async with AppClient(starlette) as client:
        await client.http.get("/enter")
        async with client.websocket("/ws") as ws:
            assert await ws.receive_json() == {"user": "ann"}


async def where(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json([socket.scope["path"], socket.scope["root_path"]])


async def test_routers_and_mounts() -> None:
    """Prefixes, sub-applications and hosts lead to the endpoint."""
    router = APIRouter(prefix="/v1")
    router.websocket("/where")(where)
    outer, inner = FastAPI(), FastAPI()
    outer.include_router(router, prefix="/api")
    inner.include_router(router)
    outer.mount("/sub", inner)
    outer.mount("/plain", Starlette(routes=[WebSocketRoute("/where", where)]))
    outer.router.routes.append(
        Host("ws.example", Router([Mount("/x", routes=[WebSocketRoute("/y", where)])]))
    )
    for path, root in [
        ("/api/v1/where", ""),
        ("/sub/v1/where", "/sub"),
        ("/plain/where", "/plain"),
        ("ws://ws.example/x/y", "/x"),
    ]:
        async with WebsocketCommunicator(outer, path) as ws:
            found = await ws.receive_json()
            assert found == [path.removeprefix("ws://ws.example"), root]


@on("asyncio")
async def test_background_task_of_a_request() -> None:
    """It runs, and what it sends later is waited for."""
    service, sockets = FastAPI(), list[WebSocket]()

    @service.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        sockets.append(socket)
        await socket.receive_text()

    async def tell(text: str) -> None:
        await asyncio.sleep(0.001)
        await sockets[0].send_text(text)

    @service.post("/soon")
    async def soon(later: BackgroundTasks) -> None:
        later.add_task(tell, "from the background task")

    @service.post("/spawned")
    async def spawned() -> None:
        service.state.job = asyncio.create_task(tell("from a task"))

    async with AppClient(service) as client, client.websocket("/ws") as socket:
        await client.http.post("/soon")
        assert await socket.receive_text() == "from the background task"
        await client.http.post("/spawned")
        assert await socket.receive_text() == "from a task"
