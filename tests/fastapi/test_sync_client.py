"""The same client for plain tests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from tests.fastapi import shop
from wstest_core import (
    ApplicationCrashed,
    NoMessage,
    SyncWebsocketCommunicator,
)
from wstest_fastapi import SyncAppClient, UnfinishedClientWarning

BACKENDS: list[Literal["asyncio", "trio"]] = ["asyncio", "trio"]


@pytest.fixture(autouse=True)
def empty_log() -> Iterator[None]:
    shop.log.clear()
    yield
    assert shop.listeners == set()


@pytest.mark.parametrize("backend", BACKENDS)
def test_everything_is_shared(backend: Literal["asyncio", "trio"]) -> None:
    """Lifespan, loop, cookies, headers and base URL: one application, one client."""
    with SyncAppClient(shop.app, headers={"x-tenant": "7"}, backend=backend) as client:
        assert client.application is shop.app
        assert client.state == {"greeting": "welcome"}
        assert isinstance(client.http, httpx2.Client)
        client.http.post("/login/ann")
        with client.websocket("/echo") as echo, client.websocket("/listen") as ann:
            assert type(echo) is SyncWebsocketCommunicator
            found: Any = echo.receive_json()
            assert found["cookies"] == {"session": "ann"}
            assert found["headers"]["x-tenant"] == "7"
            assert found["greeting"] == "welcome"
            assert client.http.cookies["seen"] == "yes"
            assert client.http.post("/announce/hello").status_code == 200
            assert ann.receive_json() == {"text": "hello"}
            assert echo.receive_nothing()
    assert shop.log == ["up", "left with 1000", "down"]


def test_requests_and_responses_are_whole() -> None:
    """Bodies, status and headers cross the threads."""

    async def mirror(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        headers = [(b"x-method", scope["method"].encode())]
        start = {"type": "http.response.start", "status": 201, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body * 2})

    with SyncAppClient(mirror, lifespan=False) as client:
        response = client.http.put("/", content=b"ab")
        assert (response.status_code, response.content) == (201, b"abab")
        assert response.headers["x-method"] == "PUT"


def test_an_endpoint_that_raises() -> None:
    """Its error reaches the test with its own traceback, or is a 500."""
    with SyncAppClient(shop.app) as client:
        with pytest.raises(LookupError, match="in the endpoint") as caught:
            client.http.get("/crash")
        assert caught.traceback[-1].name == "crash"
    with SyncAppClient(shop.app, raise_app_exceptions=False) as client:
        assert client.http.get("/crash").status_code == 500


def test_an_endpoint_that_hangs_is_found_out() -> None:
    """There is no need to wait for a timeout; the failure says where it stands."""

    async def hang(scope: Any, receive: Any, send: Any) -> None:
        await anyio.Event().wait()

    with (
        pytest.raises(NoMessage, match=r"^no answer to GET /slow for http: ") as caught,
        SyncAppClient(hang, lifespan=False) as client,
    ):
        client.http.get("/slow")
    assert "in hang() at " in str(caught.value)


def test_a_request_that_hangs_harms_no_other() -> None:
    """It may even end later; each request has its own response."""
    gates = list[anyio.Event]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/hang":
            gates.append(anyio.Event())
            await gates[-1].wait()
        elif scope["path"] == "/open":
            gates[-1].set()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": scope["raw_path"]})

    with SyncAppClient(app, lifespan=False) as client:
        with pytest.raises(NoMessage):
            client.http.get("/hang")
        for path in ("/open", "/other", "/another"):
            assert client.http.get(path).text == path


def test_a_request_that_hangs_is_over_before_the_shutdown() -> None:
    """The application cleans up after it with all that startup has made."""
    log = list[str]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            log.append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
            return
        try:
            await anyio.Event().wait()
        finally:
            log.append("cleaned up")

    with SyncAppClient(app) as client, pytest.raises(NoMessage):
        client.http.get("/")
    assert log == ["cleaned up", "shutdown"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_requests_of_several_threads(backend: Literal["asyncio", "trio"]) -> None:
    """They are at work at once, and each has its own response."""
    count, arrived = 3, list[anyio.Event]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        arrived.append(mine := anyio.Event())
        if len(arrived) == count:
            for each in arrived:
                each.set()
        await mine.wait()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": scope["raw_path"]})

    with (
        SyncAppClient(app, lifespan=False, backend=backend) as client,
        ThreadPoolExecutor(count) as pool,
    ):
        paths = [f"/{number}" for number in range(count)]
        assert [each.text for each in pool.map(client.http.get, paths)] == paths


def test_startup_and_shutdown_that_fail() -> None:
    """They are reported as in an async test."""

    class Fails:
        where = "startup"

        def __init__(self, _app: object) -> None:
            pass

        async def __aenter__(self) -> None:
            if self.where == "startup":
                raise LookupError("no database")

        async def __aexit__(self, *error: object) -> None:
            raise LookupError("no database")

    app = Starlette(lifespan=Fails)
    with pytest.raises(ApplicationCrashed, match="did not start: it raised Look"):
        SyncAppClient(app).__enter__()
    Fails.where = "shutdown"
    did_not = "did not shut down: it raised Look"
    with pytest.raises(ApplicationCrashed, match=did_not), SyncAppClient(app):
        pass
    with pytest.raises(ZeroDivisionError) as caught, SyncAppClient(app):
        raise ZeroDivisionError
    assert "did not shut down" in "".join(caught.value.__notes__)


def test_a_socket_left_open_is_closed_and_reported() -> None:
    """It does not outlive the test, and the test hears of it."""

    def leave_it_open() -> None:
        with SyncAppClient(shop.app) as client:
            client.websocket("/listen", name="ann").connect()
            client.websocket("/listen", name="never connected")
            client.websocket("/refused/by-close").connect()

    with pytest.warns(UnfinishedClientWarning, match="^ann was still connected"):
        leave_it_open()
    assert shop.listeners == set()


def test_the_test_s_own_error_comes_first() -> None:
    """Overrides are put back, sockets closed, and nothing else is raised."""
    with pytest.raises(ZeroDivisionError), SyncAppClient(shop.app) as client:
        shop.app.dependency_overrides[shop.current_user] = lambda: "ann"
        assert client.http.get("/whoami").json() == "ann"
        client.websocket("/listen").connect()
        raise ZeroDivisionError
    assert shop.app.dependency_overrides == {}
    assert shop.log == ["up", "down"]


def test_a_client_that_is_not_open_says_so() -> None:
    """That is no crash of the application, nor are wrong arguments."""
    client = SyncAppClient(shop.app)
    with pytest.raises(RuntimeError, match=r"^the client is not open: use it"):
        client.websocket("/echo").connect()
    wrong: Any = "nonsense"
    with pytest.raises(TypeError, match="client='nonsense' is no address"):
        client.websocket("/echo", client=wrong)
    with pytest.raises(ValueError, match="is no path of a WebSocket"):
        client.websocket("echo")


@pytest.mark.anyio
async def test_an_async_test_is_told_what_it_has_instead() -> None:
    """Wherever it begins to use the client."""
    client = SyncAppClient(shop.app)
    instead = "^an event loop is running here, .*: use AppClient .* are ws_connect"
    with pytest.raises(RuntimeError, match=instead):
        client.__enter__()
    with pytest.raises(RuntimeError, match=instead):
        client.http.get("/whoami")
    with pytest.raises(RuntimeError, match=instead):
        client.websocket("/echo")
