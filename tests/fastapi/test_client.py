"""One client for HTTP and sockets: what they share, and what it cleans up."""

from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import pytest
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette

from tests.backends import on
from tests.fastapi import shop
from wstest_core import (
    ApplicationCrashed,
    ConnectionRejected,
    WebsocketCommunicator,
    check_driver,
)
from wstest_core.drivers import AsgiApplication, Driver
from wstest_core.lifespan import Lifespan
from wstest_fastapi import (
    AppClient,
    UnfinishedClientWarning,
    basic_headers,
    bearer_headers,
    cookie_headers,
)
from wstest_fastapi._driver import SocketDriver
from wstest_fastapi._sharing import SharedApplication

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def empty_log() -> Iterator[None]:
    shop.log.clear()
    yield
    assert shop.listeners == set()


async def hello(client: AppClient, path: str = "/echo", **options: Any) -> Any:
    """Connect, and return what the application says of the handshake."""
    async with client.websocket(path, **options) as ws:
        return await ws.receive_json()


async def test_lifespan_runs_once_around_all_sockets() -> None:
    """Startup before the first, shutdown after the last; its state is shared."""
    async with AppClient(shop.app) as client:
        assert client.state == {"greeting": "welcome"}
        for _ in range(2):
            assert (await hello(client))["greeting"] == "welcome"
        assert shop.log == ["up", "left with 1000", "left with 1000"]
    assert shop.log[-1] == "down"
    assert shop.log.count("up") == shop.log.count("down") == 1


async def test_without_lifespan() -> None:
    """It can be left out."""
    async with AppClient(shop.app, lifespan=False) as client:
        assert (await hello(client))["greeting"] is None
    assert "up" not in shop.log


async def test_log_in_by_http_then_connect() -> None:
    """A socket sends the cookies that a response has set."""
    async with AppClient(shop.app) as client:
        assert (await hello(client))["cookies"] == {}
        await client.http.post("/login/ann")
        assert (await hello(client))["cookies"]["session"] == "ann"


async def test_connect_then_post_then_receive() -> None:
    """What an endpoint causes, a socket hears, from its background task too."""
    async with (
        AppClient(shop.app) as client,
        client.websocket("/listen") as ann,
        client.websocket("/listen") as bob,
    ):
        response = await client.http.post("/announce/hello")
        assert response.status_code == 200
        for ws in (ann, bob):
            assert await ws.receive_json() == {"text": "hello"}
            await ws.expect_nothing()


async def test_cookies_of_a_socket_are_the_clients() -> None:
    """A cookie set by accepting, or by a denial response, goes into the jar."""
    async with AppClient(shop.app, cookies={"mine": "1"}) as client:
        async with client.websocket("/echo", unread="ignore"):
            assert dict(client.http.cookies) == {"mine": "1", "seen": "yes", "n": "1"}
        with pytest.raises(ConnectionRejected):
            await client.websocket("/refused/by-denial").__aenter__()
        assert client.http.cookies["denied"] == "yes"
        assert (await hello(client))["cookies"]["denied"] == "yes"
        sent = client.http.build_request("GET", "/").headers["cookie"]
        assert "seen=yes" in sent


async def test_cookies_of_one_connection_are_added() -> None:
    """They stand beside the client's, and win over one of the same name."""
    async with AppClient(shop.app, cookies={"a": "1", "b": "1"}) as client:
        found = await hello(client, headers=cookie_headers(b="2", c="3"))
        assert found["cookies"] == {"a": "1", "b": "2", "c": "3"}


async def test_headers_and_base_url_are_shared() -> None:
    """Defaults hold for both; those of one connection come over them."""
    async with AppClient(
        shop.app,
        base_url="https://shop.example:8443/",
        headers={"X-Tenant": "7", "Origin": "https://shop.example"},
    ) as client:
        found = await hello(client, headers=[("x-tenant", "8"), (b"x-more", b"1")])
        assert found["url"] == "wss://shop.example:8443/echo"
        assert found["headers"]["x-tenant"] == "8"
        assert found["headers"]["x-more"] == "1"
        assert found["headers"]["origin"] == "https://shop.example"
        assert found["headers"]["host"] == "shop.example:8443"
        assert found["headers"]["connection"] == "Upgrade"
        client.http.headers["X-Tenant"] = "9"
        assert (await hello(client))["headers"]["x-tenant"] == "9"


async def test_a_path_may_have_a_query_or_be_a_url() -> None:
    """Whatever names the endpoint."""
    async with AppClient(shop.app) as client:
        assert (await hello(client))["url"] == "ws://testserver/echo"
        assert (await hello(client, "/echo?a=b%20c&d"))["url"].endswith("?a=b%20c&d")
        other = await hello(client, "wss://other.example/echo")
        assert other["url"] == "wss://other.example/echo"


async def test_credentials_of_the_client_are_the_sockets() -> None:
    """auth= is for both; a header of one connection wins."""
    async with AppClient(shop.app, auth=("ann", "secret")) as client:
        (basic,) = basic_headers("ann", "secret")
        found = await hello(client)
        assert found["headers"]["authorization"] == basic[1].decode()
        found = await hello(client, headers=bearer_headers("t"))
        assert found["headers"]["authorization"] == "Bearer t"


async def test_subprotocols_name_and_models_are_passed_on() -> None:
    """A socket takes what a communicator takes."""
    async with AppClient(shop.app) as client:
        ws = client.websocket(
            "/echo", None, ["chat"], name="ann", messages=dict[str, Any]
        )
        assert type(ws) is WebsocketCommunicator
        async with ws:
            assert ws.subprotocol == "chat"
            assert ws.transcript.name == "ann"
            assert "user" in await ws.receive_message()


async def test_an_import_string() -> None:
    """It may name the application."""
    async with AppClient("tests.fastapi.shop:app") as client:
        assert client.application is shop.app
        assert (await client.http.get("/whoami")).json() == "nobody"


async def test_http_is_httpx2() -> None:
    """The HTTP side is the very client that users know."""
    async with AppClient(shop.app) as client:
        assert isinstance(client.http, httpx2.AsyncClient)
    assert client.http.is_closed


async def test_an_endpoint_that_raises() -> None:
    """Its error reaches the test, or is a 500, as the transport is told."""
    async with AppClient(shop.app) as client:
        with pytest.raises(LookupError, match="in the endpoint"):
            await client.http.get("/crash")
    async with AppClient(shop.app, raise_app_exceptions=False) as client:
        assert (await client.http.get("/crash")).status_code == 500


@on("asyncio")
async def test_a_task_of_an_endpoint() -> None:
    """What an endpoint has spawned sends as well."""
    async with AppClient(shop.app) as client, client.websocket("/later") as ws:
        assert await ws.receive_text() == "later"
        await ws.send_text("thanks")


async def test_overrides_are_put_back() -> None:
    """What the test overrides is as before afterwards."""
    async with AppClient(shop.app) as client:
        shop.app.dependency_overrides[shop.current_user] = lambda: "ann"
        assert (await client.http.get("/whoami")).json() == "ann"
        assert (await hello(client))["user"] == "ann"
    assert shop.app.dependency_overrides == {}


async def test_overrides_are_put_back_after_an_error() -> None:
    """On error too, of the test or of the startup."""
    with pytest.raises(ZeroDivisionError):
        async with AppClient(shop.app):
            shop.app.dependency_overrides[shop.current_user] = lambda: "ann"
            raise ZeroDivisionError
    assert shop.app.dependency_overrides == {}


async def test_startup_that_fails() -> None:
    """Its own traceback is chained; nothing of the client stays open."""

    class Fails:
        def __init__(self, _app: object) -> None:
            pass

        async def __aenter__(self) -> None:
            raise LookupError("no database")

        async def __aexit__(self, *error: object) -> None:
            raise NotImplementedError

    client = AppClient(Starlette(lifespan=Fails))
    with pytest.raises(ApplicationCrashed, match="did not start: it raised") as caught:
        await client.__aenter__()
    assert isinstance(caught.value.__cause__, LookupError)
    assert client.http.is_closed


async def test_a_socket_left_open_is_closed_and_reported() -> None:
    """It does not outlive the test, and the test hears of it."""

    async def leave_it_open() -> None:
        async with AppClient(shop.app) as client:
            client.websocket("/listen", name="never connected")
            assert (await client.websocket("/listen", name="ann").connect())[0]
            assert len(shop.listeners) == 1

    with pytest.warns(UnfinishedClientWarning, match="^ann was still connected"):
        await leave_it_open()
    assert shop.listeners == set()
    assert shop.log == ["up", "down"]


async def test_sockets_that_ended_are_not_reported() -> None:
    """Refused, closed by the application, or left properly: nothing to say."""
    async with AppClient(shop.app) as client:
        assert await client.websocket("/refused/by-close").connect() == (False, 4403)
        await client.websocket("/closed-later").connect()
        ws = client.websocket("/listen")
        await ws.connect()
        await ws.disconnect()


async def test_a_crash_that_nobody_saw_is_reported() -> None:
    """A socket that was left to itself tells what its application raised."""
    with pytest.raises(ApplicationCrashed, match="in the endpoint"):
        async with AppClient(shop.app) as client:
            ws = client.websocket("/crash")
            await ws.connect()
            await ws.send_text("go")
            await ws.settle()


async def test_the_test_s_own_error_comes_first() -> None:
    """Then an open socket is closed without a word, and a crash is a note."""
    with pytest.raises(ZeroDivisionError) as caught:
        async with AppClient(shop.app) as client:
            await client.websocket("/listen").connect()
            ws = client.websocket("/crash")
            await ws.connect()
            await ws.send_text("go")
            await ws.settle()
            raise ZeroDivisionError
    assert "in the endpoint" in "".join(caught.value.__notes__)


async def test_a_client_that_is_not_open_says_so() -> None:
    """Neither side works without the lifespan; that is no crash of the application."""
    client = AppClient(shop.app)
    not_open = "^the client is not open: use it within"
    with pytest.raises(RuntimeError, match=not_open):
        await client.http.get("/whoami")
    with pytest.raises(RuntimeError, match=not_open):
        await client.websocket("/echo").connect()
    with pytest.raises(RuntimeError, match=not_open):
        await client.websocket("/echo").__aenter__()
    async with client:  # none of that has done any harm
        assert (await hello(client))["greeting"] == "welcome"
    assert client.http.is_closed
    with pytest.raises(RuntimeError, match=not_open):
        await client.websocket("/echo").connect()
    assert shop.log == ["up", "left with 1000", "down"]


async def test_arguments_that_mean_nothing() -> None:
    """They are refused where they are given, saying what to give."""
    client = AppClient(shop.app)
    wrong: Any = "nonsense"
    for address in (wrong, ("a", "b"), ("a",), 3):
        with pytest.raises(TypeError, match=r"no address: give host and port, cl"):
            client.websocket("/echo", client=address)
    with pytest.raises(TypeError, match=r"consumer='nonsense' is no class: give the"):
        client.websocket("/echo", consumer=wrong)
    ws = client.websocket("/echo", client=("10.0.0.1", 80), consumer=FastAPI)
    assert ws.scope["client"] == ("10.0.0.1", 80)


@pytest.mark.parametrize("path", ["echo", "", "?a=b", "//echo"])
async def test_a_path_begins_with_a_slash(path: str) -> None:
    """As for any communicator, though an HTTP client would add it."""
    async with AppClient(shop.app, base_url="http://shop/deep/") as client:
        with pytest.raises(ValueError, match=r"is no path of a WebSocket: start it wi"):
            client.websocket(path)
        assert client.websocket("/echo").scope["path"] == "/deep/echo"


async def test_a_path_is_text() -> None:
    """As for any communicator."""
    wrong: Any = 3
    with pytest.raises(TypeError, match="Expected str, got <class 'int'> as the path"):
        AppClient(shop.app).websocket(wrong)


async def test_its_sockets_have_a_driver_like_any_other() -> None:
    """It keeps the promises of all drivers."""

    def make(application: AsgiApplication) -> Driver:
        shared = SharedApplication(Lifespan(application), lambda response: None)
        shared.is_open = True
        return SocketDriver(shared)

    await check_driver(make)


async def test_a_test_that_is_cancelled() -> None:
    """Sockets and lifespan end in a test that ran into its own timeout."""
    with anyio.move_on_after(0.01):
        async with AppClient(shop.app) as client, client.websocket("/listen"):
            await anyio.sleep(3600)
    assert shop.log == ["up", "down"]


async def test_mounted_applications_keep_their_overrides() -> None:
    """Sub-applications have tables of their own."""
    inner, outer = FastAPI(), FastAPI()
    outer.mount("/api", inner)

    @inner.websocket("/ws")
    async def ws(socket: WebSocket, user: shop.User) -> None:
        await socket.accept()
        await socket.send_text(user)

    async with AppClient(outer) as client:
        inner.dependency_overrides[shop.current_user] = lambda: "ann"
        async with client.websocket("/api/ws") as socket:
            assert await socket.receive_text() == "ann"
    assert inner.dependency_overrides == {}
