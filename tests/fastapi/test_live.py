"""A real server for the application: what it runs, serves, restores and refuses."""

import asyncio
import contextvars
import gc
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fast_channels.layers import (
    InMemoryChannelLayer,
    channel_layers,
    register_channel_layer,
)
from fast_channels.layers.registry import unregister_channel_layer
from fastapi import FastAPI, WebSocket
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.uri import parse_uri

from tests.backends import on
from tests.fastapi import shop
from tests.fastapi.test_fastapi_plugin import ANYIO, AUTO, STRICT, Run, run
from tests.fastapi.test_package import without
from tests.live import OLD_UVICORN
from wstest_core import (
    ApplicationCrashed,
    ConnectionRejected,
    LiveServer,
    NetworkDriver,
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
)
from wstest_fastapi import AppClient, FreshLayer, live_websocket_server

__all__ = ["run"]  # a fixture

CERTIFICATE = Path(__file__).parents[1] / "core" / "localhost.pem"


def on_asyncio(test: Any) -> Any:
    """Run a test where a live server can be reached from."""
    return on("asyncio")(pytest.mark.anyio(test))


@pytest.fixture(autouse=True)
def empty_log() -> Iterator[None]:
    shop.log.clear()
    yield
    assert shop.listeners == set()


def web(live: LiveServer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=live.url, trust_env=False)


# --- one test, in-process and live


@pytest.fixture
def ws_app() -> FastAPI:
    return shop.app


@pytest.fixture(params=["in-process", "live"])
def connect(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A function that makes a socket of the application, wherever it runs."""
    if request.param == "in-process":
        found: Callable[..., Any] = request.getfixturevalue("ws_connect")
        return found
    server: LiveServer = request.getfixturevalue("ws_live_server")
    return partial(WebsocketCommunicator, server.ws_url)


@on_asyncio
async def test_same_conversation(connect: Callable[..., Any]) -> None:
    """Handshake, frames, silence and goodbye read the same in both worlds."""
    headers = {"Origin": "http://shop.example", "Cookie": "session=ann"}
    async with connect("/echo?q=1", headers, ["v1", "v2"]) as ws:
        assert ws.subprotocol == "v1"
        assert (b"set-cookie", b"n=1") in ws.response_headers
        hello = await ws.receive_json()
        assert hello["url"].endswith("/echo?q=1")
        assert hello["cookies"] == {"session": "ann"}
        assert hello["headers"]["origin"] == "http://shop.example"
        assert hello["greeting"] == "welcome"
        await ws.send_json({"price": 3})
        assert await ws.receive_json() == {"price": 3}
        assert await ws.receive_nothing(0.02)
        await ws.disconnect(4321)
    assert ws.close_code == 4321


@on_asyncio
@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/refused/by-dependency", 403, b""),
        ("/refused/by-exception", 403, b""),
        ("/refused/by-close", 403, b""),
        ("/refused/no-number", 403, b""),
        ("/refused/by-http-exception", 401, b'{"detail":"who are you?"}'),
        ("/refused/by-denial", 503, b"closed for today"),
        ("/nowhere", 403, b""),
    ],
)
async def test_same_refusal(
    connect: Callable[..., Any], path: str, status: int, body: bytes
) -> None:
    """Each kind of refusal is the same `ConnectionRejected` in both worlds."""
    ws = connect(path)
    with pytest.raises(ConnectionRejected) as rejected:
        await ws.__aenter__()
    assert (rejected.value.status, rejected.value.body) == (status, body)
    assert rejected.value.browser_code == ws.close_code == 1006
    assert f"refused by the application: HTTP {status}" in str(rejected.value)
    assert "(a browser sees close code 1006)" in str(rejected.value)


@on_asyncio
async def test_same_close(connect: Callable[..., Any]) -> None:
    """A close of the application has its code and reason in both worlds."""
    async with connect("/closed-later") as ws:
        await ws.expect_closed(1008, "too slow")


@on_asyncio
async def test_same_overrides(connect: Callable[..., Any], ws_app: FastAPI) -> None:
    """Overrides of dependencies hold in both worlds."""
    ws_app.dependency_overrides[shop.current_user] = lambda: "bob"
    async with connect("/echo") as ws:
        assert (await ws.receive_json())["user"] == "bob"


def test_overrides_are_gone() -> None:
    """They were those of one test."""
    assert shop.app.dependency_overrides == {}


def test_fixture_in_a_plain_test(ws_live_server: LiveServer) -> None:
    """The server needs no event loop of the test."""
    with SyncWebsocketCommunicator(ws_live_server.ws_url, "/echo") as ws:
        assert ws.receive_json()["greeting"] == "welcome"


# --- fresh layers


@pytest.fixture
def chat() -> Iterator[None]:
    register_channel_layer("chat", InMemoryChannelLayer())
    yield
    unregister_channel_layer("chat")


@asynccontextmanager
async def joined(ws_live_server: LiveServer) -> AsyncIterator[Any]:
    """A live client whose endpoint has joined a group of the layer."""
    async with WebsocketCommunicator(ws_live_server.ws_url, "/chat") as ws:
        assert await ws.receive_text() == "joined"
        yield ws


async def chatting(socket: WebSocket) -> None:
    layer = channel_layers["chat"]
    channel = await layer.new_channel()
    await layer.group_add("everybody", channel)
    await socket.accept()
    await socket.send_text("joined")
    await socket.send_text((await layer.receive(channel))["text"])
    await socket.close()


async def saying(socket: WebSocket, text: str) -> None:
    await socket.accept()
    await channel_layers["chat"].group_send("everybody", {"text": text})
    await socket.close()


class TestLayers:
    @pytest.fixture
    def ws_app(self, chat: None) -> FastAPI:
        app = FastAPI()
        app.add_api_websocket_route("/chat", chatting)
        app.add_api_websocket_route("/say/{text}", saying)
        return app

    @on_asyncio
    async def test_layer_is_a_fresh_one(
        self, ws_layers: dict[str, FreshLayer], ws_live_server: LiveServer
    ) -> None:
        """The test's loop broadcasts, and the server's receives at once."""
        async with joined(ws_live_server) as ann, joined(ws_live_server) as bob:
            await ws_layers["chat"].group_send("everybody", {"text": "news"})
            assert await ann.receive_text() == await bob.receive_text() == "news"

    @on_asyncio
    async def test_broadcast_between_the_worlds(
        self, ws_live_server: LiveServer, ws_connect: Callable[..., Any]
    ) -> None:
        """Live and in-process clients of one application hear each other."""
        async with ws_connect("/chat") as inside, joined(ws_live_server) as outside:
            assert await inside.receive_text() == "joined"
            assert await inside.receive_nothing(0.02)
            url = ws_live_server.ws_url
            async with WebsocketCommunicator(url, "/say/news", unread="ignore"):
                assert await inside.receive_text() == "news"
                assert await outside.receive_text() == "news"

    @on_asyncio
    async def test_next_test_has_another(
        self, ws_layers: dict[str, FreshLayer], ws_live_server: LiveServer
    ) -> None:
        """Nobody is in a group any more."""
        assert ws_layers["chat"].members("everybody") == []


# --- the context manager


@on_asyncio
async def test_lifespan_runs_around_it() -> None:
    """Startup before the block, shutdown after it, with its state."""
    with live_websocket_server(shop.app) as live:
        assert shop.log == ["up"]
        async with WebsocketCommunicator(live.ws_url, "/echo") as ws:
            assert (await ws.receive_json())["greeting"] == "welcome"
    assert shop.log == ["up", "left with 1000", "down"]


@on_asyncio
async def test_without_lifespan() -> None:
    """It can be left out."""
    with live_websocket_server(shop.app, lifespan=False) as live:
        async with WebsocketCommunicator(live.ws_url, "/echo") as ws:
            assert (await ws.receive_json())["greeting"] is None
    assert "up" not in shop.log


@on_asyncio
async def test_http_broadcasts_to_sockets() -> None:
    """Requests and sockets reach one application."""
    with live_websocket_server("tests.fastapi.shop:app") as live:
        async with (
            web(live) as client,
            WebsocketCommunicator(live.ws_url, "/listen") as ws,
        ):
            await client.post("/announce/sale")
            assert await ws.receive_json() == {"text": "sale"}


def test_any_asgi_application() -> None:
    """A function, a method or a legacy double callable; with no lifespan."""

    async def function(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope["path"]})
        await receive()

    class Holder:
        async def method(self, scope: Any, receive: Any, send: Any) -> None:
            await function(scope, receive, send)

    class Legacy:
        def __init__(self, scope: Any) -> None:
            self.scope = scope

        async def __call__(self, receive: Any, send: Any) -> None:
            await function(self.scope, receive, send)

    for application in (function, Holder().method, Legacy):
        for lifespan in (True, False):
            with (
                live_websocket_server(application, lifespan=lifespan) as live,
                SyncWebsocketCommunicator(live.ws_url, "/here") as ws,
            ):
                assert ws.receive_text() == "/here"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_tls(host: str) -> None:
    """With a certificate the addresses are those of a secure server."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with live_websocket_server(shop.app, host=host, ssl_certfile=CERTIFICATE) as live:
        assert live.url == f"https://{host}:{live.port}"
        driver = NetworkDriver(live.ws_url, ssl=context)
        with SyncWebsocketCommunicator(driver, "/echo") as ws:
            assert ws.receive_json()["url"] == f"wss://{host}:{live.port}/echo"
        assert httpx2.get(f"{live.url}/whoami", verify=context).json() == "nobody"


def test_overrides_are_put_back() -> None:
    """Those that were set while it ran are gone."""
    with live_websocket_server(shop.app):
        shop.app.dependency_overrides[shop.current_user] = lambda: "bob"
    assert shop.app.dependency_overrides == {}


def test_context_of_the_test_is_not_the_server_s() -> None:
    """A server starts with an empty context, as in production."""
    variable = contextvars.ContextVar("variable", default="default")
    variable.set("of the test")

    async def shows(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": variable.get()})
        await receive()

    with (
        live_websocket_server(shows, lifespan=False) as live,
        SyncWebsocketCommunicator(live.ws_url, "/") as ws,
    ):
        assert ws.receive_text() == "default"


@on_asyncio
async def test_in_process_client_beside_it() -> None:
    """Beside a server that serves nobody silence is proved."""
    with live_websocket_server(shop.app):
        async with AppClient(shop.app) as client, client.websocket("/listen") as ws:
            before = asyncio.get_running_loop().time()
            assert await ws.receive_nothing(60)
            assert asyncio.get_running_loop().time() - before < 30


# --- clients that are still there at the end


def test_client_that_does_not_part(caplog: pytest.LogCaptureFixture) -> None:
    """A client that leaves the end of TLS unanswered is not waited for."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with ExitStack() as stack:
        with live_websocket_server(shop.app, ssl_certfile=CERTIFICATE) as live:
            line = socket.create_connection((live.host, live.port))
            line = context.wrap_socket(line, server_hostname="localhost")
            stack.enter_context(line)
        assert "graceful shutdown exceeded" not in caplog.text
        gc.collect()  # what the server left open warns, which is an error here


@on_asyncio
async def test_endpoint_that_does_not_end() -> None:
    """It is cancelled when its grace is over, and its connection is cut."""
    ended: list[BaseException] = []

    async def hangs(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            ended.append(error)
            raise

    with live_websocket_server(
        hangs, lifespan=False, timeout_graceful_shutdown=0
    ) as live:
        ws = WebsocketCommunicator(live.ws_url, "/")
        await ws.connect()
    assert [type(error) for error in ended] == [asyncio.CancelledError]
    gc.collect()
    await ws.disconnect()


# --- what goes wrong


def lifespan_of(*, startup: Exception | None, shutdown: Exception | None) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if startup is not None:
            raise startup
        yield
        if shutdown is not None:
            raise shutdown

    return FastAPI(lifespan=lifespan)


def test_startup_that_fails() -> None:
    """The failure is the one that in-process clients have, chained to its cause."""
    error = LookupError("no database")
    with (
        pytest.raises(ApplicationCrashed) as failure,
        live_websocket_server(lifespan_of(startup=error, shutdown=None)),
    ):
        pytest.fail("the block does not begin")
    assert str(failure.value) == (
        "the application did not start: it raised LookupError('no database')"
    )
    assert failure.value.__cause__ is failure.value.error is error


def test_shutdown_that_fails() -> None:
    """It fails the block, which has ended without an error."""
    error = LookupError("no database")
    with (
        pytest.raises(ApplicationCrashed, match="did not shut down") as failure,
        live_websocket_server(lifespan_of(startup=None, shutdown=error)),
    ):
        pass
    assert failure.value.error is error


def test_error_of_the_block_comes_first() -> None:
    """What shutdown raised is a note to it."""
    application = lifespan_of(startup=None, shutdown=LookupError("no database"))
    with pytest.raises(ZeroDivisionError) as failure:  # noqa: SIM117
        with live_websocket_server(application):
            raise ZeroDivisionError
    (note,) = failure.value.__notes__
    assert note.startswith("And the application did not shut down: it raised Lookup")


def test_startup_that_hangs() -> None:
    """The guard ends it, and the failure says where the application stands."""

    async def hangs(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    with (
        pytest.raises(AssertionError) as failure,
        live_websocket_server(hangs, timeout=0.05),
    ):
        pytest.fail("the block does not begin")
    assert str(failure.value).startswith("the application did not start within 0.05 s")
    assert "waiting for an event in hangs() at" in str(failure.value)
    assert not [t for t in threading.enumerate() if t.name == "wstest live server"]


def test_certificate_that_is_none(tmp_path: Path) -> None:
    """What uvicorn cannot start with is named."""
    with (
        pytest.raises(RuntimeError, match="the server did not start: it raised"),
        live_websocket_server(shop.app, ssl_certfile=tmp_path / "nothing.pem"),
    ):
        pytest.fail("the block does not begin")


@pytest.mark.parametrize("option", ["port", "fd", "uds", "reload", "workers"])
def test_option_of_another_kind_of_server(option: str) -> None:
    """One sentence says why it is refused."""
    with (
        pytest.raises(TypeError, match=f"^{option}: the server runs in a thread of"),
        live_websocket_server(shop.app, **{option: 1}),
    ):
        pytest.fail("the block does not begin")


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [({"uvicorn"}, "uvicorn"), ({"websockets", "wsproto"}, "websockets")],
)
def test_what_is_missing_is_said(missing: set[str], wanted: str) -> None:
    """One sentence, which names the extra."""
    assert without(missing, "live_websocket_server") == (
        f"ModuleNotFoundError: wstest_fastapi needs {wanted}, not installed here: "
        'python -m pip install "wstest-core[live]"'
    )


# On Python 3.11 nothing can cut a TLS transport that is closing: it is lost there.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_client_that_takes_its_time_to_part() -> None:
    """A connection that a client has ended, and not let go, fails no shutdown."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with (
        ExitStack() as stack,
        live_websocket_server(shop.app, ssl_certfile=CERTIFICATE) as live,
    ):
        line = socket.create_connection((live.host, live.port))
        line = context.wrap_socket(line, server_hostname="localhost")
        stack.enter_context(line)
        client = ClientProtocol(parse_uri(f"{live.ws_url}/echo"))
        client.send_request(client.connect())
        line.sendall(b"".join(client.data_to_send()))
        while client.state is not State.OPEN:
            client.receive_data(line.recv(4096))
        client.send_close(1000)
        line.sendall(b"".join(client.data_to_send()))
        assert line.recv(4096), "the server's close frame, which ends no TLS"
    gc.collect()


# --- the fixture, in runs of its own

QUIET = [f"-W{each}" for each in OLD_UVICORN]


@pytest.mark.parametrize(
    ("options", "mark"),
    [(AUTO, ""), (STRICT, "@pytest.mark.asyncio"), (ANYIO, "@pytest.mark.anyio")],
    ids=["auto", "strict", "anyio"],
)
def test_fixture_under_each_plugin(run: Run, options: list[str], mark: str) -> None:
    """Whatever runs the coroutines, each test has a server of its own."""
    tests = f"""
        import pytest
        import service
        from wstest_fastapi import WebsocketCommunicator

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        {mark}
        async def test_live(ws_live_server):
            assert service.log == ["up"]
            url = ws_live_server.ws_url
            async with WebsocketCommunicator(url, "/ws") as ws:
                assert await ws.receive_text() == "hello nobody"

        def test_it_was_shut_down():
            assert service.log == ["up", "down"]
    """
    run(tests, *options, *QUIET).assert_outcomes(passed=2)


def test_server_s_log_is_in_the_report(run: Run) -> None:
    """What the endpoint raised is shown with the test that failed."""
    result = run(
        """
        from wstest_fastapi import SyncWebsocketCommunicator

        def test_live(ws_live_server):
            with SyncWebsocketCommunicator(ws_live_server.ws_url, "/ws") as ws:
                assert ws.receive_text() == "hello nobody"
                ws.send_text("crash")
                ws.receive_text()
        """,
        *(*ANYIO, *QUIET),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random(
        ["*ConnectionClosed: no frame for client*", "*LookupError: in the endpoint"]
    )
