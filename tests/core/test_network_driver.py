"""The same client in-process and on a network; and what only a network has."""

import asyncio
import logging
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.backends import asyncio_only, on
from tests.live import Server, server
from tests.services import free_port
from wstest_core import (
    ConnectionClosed,
    ConnectionRejected,
    NoMessage,
    Transcript,
    WebsocketCommunicator,
    check_driver,
)
from wstest_core.drivers import NetworkDriver
from wstest_core.events import Accept, Close, Return, Silence
from wstest_core.scope import build_scope

pytestmark = pytest.mark.anyio

CERTIFICATE = Path(__file__).with_name("localhost.pem")
WHY = "a server on the network does not show what it is doing"
ON_ASYNCIO = on("asyncio")

Reach = Callable[[Any], Any]


@pytest.fixture(scope="module")
def live() -> Iterator[Server]:
    """A real server; what its applications raise on purpose is not shown."""
    logger = logging.getLogger("uvicorn.error")
    logger.disabled = True
    with server() as running:
        yield running
    logger.disabled = False


@pytest.fixture(params=["in-process", "live"])
def reach(request: pytest.FixtureRequest) -> Reach:
    """Turns an application into what a communicator is given to reach it."""
    if request.param == "in-process":
        return lambda application: application
    live: Server = request.getfixturevalue("live")

    def serve_it(application: Any) -> str:
        live.application = application
        return live.url

    return serve_it


# --- applications


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


async def shows_headers(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    lines = [f"{n.decode()}: {v.decode('latin-1')}" for n, v in scope["headers"]]
    await send({"type": "websocket.send", "text": "\n".join(lines)})
    await receive()


def answers(*events: Any, error: Exception | None = None) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for event in events:
            await send(event)
        if error is not None:
            raise error

    return application


ACCEPT = {"type": "websocket.accept"}
HELLO = {"type": "websocket.send", "text": "hello"}


# --- one test, in-process and live


@asyncio_only
async def test_json_is_echoed(reach: Reach) -> None:
    """A round trip reads the same in both worlds."""
    async with WebsocketCommunicator(reach(echo), "/ws") as ws:
        await ws.send_json({"say": "hello"})
        assert await ws.receive_json() == {"say": "hello"}
        await ws.send_bytes(b"")
        assert await ws.receive_bytes() == b""


@asyncio_only
async def test_handshake_reaches_the_application(reach: Reach) -> None:
    """Path, query, headers, cookies, origin and subprotocols arrive as given."""
    scopes: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await receive()
        await send({**ACCEPT, "subprotocol": "v2", "headers": [(b"x-a", b"1")]})
        await receive()

    headers = {"Origin": "http://shop.example", "Cookie": "a=b", "X-Token": "secret"}
    async with WebsocketCommunicator(
        reach(application), "/caf%C3%A9?q=a%20b", headers, ["v1", "v2"]
    ) as ws:
        assert ws.subprotocol == "v2"
        assert (b"x-a", b"1") in ws.response_headers
    scope = scopes[0]
    assert scope["path"] == "/caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    assert scope["raw_path"] == b"/caf%C3%A9"
    assert scope["query_string"] == b"q=a%20b"
    assert scope["subprotocols"] == ["v1", "v2"]
    given = {(name.lower().encode(), value.encode()) for name, value in headers.items()}
    assert given <= set(scope["headers"])
    names = [name for name, _ in scope["headers"]]
    assert names.count(b"host") == names.count(b"sec-websocket-key") == 1


@asyncio_only
async def test_subprotocols_may_be_given_as_a_header(reach: Reach) -> None:
    """The header is what a client sends, so the scope has what it says."""
    offered: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        offered.extend(scope["subprotocols"])
        await receive()
        await send({**ACCEPT, "subprotocol": "token"})
        await receive()

    headers = {"Sec-WebSocket-Protocol": "token, s3cret"}
    async with WebsocketCommunicator(reach(application), "/", headers) as ws:
        assert ws.subprotocol == "token"
    assert offered == ["token", "s3cret"]


@asyncio_only
async def test_host_of_the_test_reaches_the_application(reach: Reach) -> None:
    """A virtual host is asked for by its header, wherever the server is."""
    application = reach(shows_headers)
    async with WebsocketCommunicator(application, "/", {"Host": "a.example"}) as ws:
        lines = (await ws.receive_text()).splitlines()
    assert [line for line in lines if line.startswith("host")] == ["host: a.example"]


@asyncio_only
async def test_close_has_code_and_reason(reach: Reach) -> None:
    """What was sent before a close is read first; then code and reason."""
    bye = {"type": "websocket.close", "code": 4001, "reason": "enough"}
    async with WebsocketCommunicator(reach(answers(ACCEPT, HELLO, bye)), "/") as ws:
        assert await ws.receive_text() == "hello"
        await ws.expect_closed(4001, "enough")
        with pytest.raises(ConnectionClosed) as closed:
            await ws.send_text("too late")
    assert (closed.value.code, closed.value.reason) == (4001, "enough")


@asyncio_only
async def test_close_before_accept_is_a_refusal(reach: Reach) -> None:
    """Both report the same `ConnectionRejected`; the close code never travels."""
    refuse = answers({"type": "websocket.close", "code": 4003})
    ws = WebsocketCommunicator(reach(refuse), "/")
    with pytest.raises(ConnectionRejected) as rejected:
        async with ws:
            pytest.fail("the body does not run")
    assert (rejected.value.status, rejected.value.body) == (403, b"")
    assert rejected.value.code in (4003, None)
    assert rejected.value.browser_code == ws.close_code == 1006


@asyncio_only
async def test_denial_response_is_a_refusal(reach: Reach) -> None:
    """Status, headers and body of a denial response arrive in both worlds."""
    start = {"status": 429, "headers": [(b"retry-after", b"7")]}
    deny = answers(
        {"type": "websocket.http.response.start", **start},
        {"type": "websocket.http.response.body", "body": b"slow ", "more_body": True},
        {"type": "websocket.http.response.body", "body": b"down"},
    )
    with pytest.raises(ConnectionRejected) as rejected:
        await WebsocketCommunicator(reach(deny), "/").__aenter__()
    assert (rejected.value.status, rejected.value.body) == (429, b"slow down")
    assert (b"retry-after", b"7") in rejected.value.headers


@asyncio_only
async def test_redirect_is_a_refusal(reach: Reach) -> None:
    """No redirect is followed, as in a browser."""
    start = {"status": 302, "headers": [(b"location", b"/elsewhere")]}
    redirect = answers(
        {"type": "websocket.http.response.start", **start},
        {"type": "websocket.http.response.body", "body": b""},
    )
    with pytest.raises(ConnectionRejected) as rejected:
        await WebsocketCommunicator(reach(redirect), "/").__aenter__()
    assert rejected.value.status == 302


@asyncio_only
async def test_return_without_close_is_1006(reach: Reach) -> None:
    """An application that just returns is a lost connection to a browser."""
    async with WebsocketCommunicator(reach(answers(ACCEPT, HELLO)), "/") as ws:
        assert await ws.receive_text() == "hello"
        await ws.expect_closed(1006)


@asyncio_only
async def test_crash_is_1006_after_the_frames(reach: Reach) -> None:
    """What was sent before a crash is read; a browser would see code 1006."""
    crash = answers(ACCEPT, HELLO, error=ValueError("on purpose"))
    ws = WebsocketCommunicator(reach(crash), "/")
    assert await ws.connect() == (True, None)
    assert await ws.receive_text() == "hello"
    told = r"the application raised ValueError|ended, without a close frame \(a browser"
    with pytest.raises(AssertionError, match=told):
        await ws.receive_text()
    assert ws.close_code == 1006


@asyncio_only
async def test_client_close_reaches_the_application(reach: Reach) -> None:
    """Code and reason of `disconnect` are in the application's event."""
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        event = await receive()
        told.get_loop().call_soon_threadsafe(told.set_result, event)

    ws = WebsocketCommunicator(reach(application), "/")
    await ws.connect()
    await ws.disconnect(4321, reason="done")
    async with asyncio.timeout(5):
        event = await told
    assert (event["code"], event["reason"]) == (4321, "done")
    assert (ws.close_code, ws.close_reason) == (4321, "done")


@asyncio_only
async def test_drop_is_a_lost_connection(reach: Reach) -> None:
    """A client that vanishes is lost to the application, and sees 1006 itself."""
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await send(HELLO)
        event = await receive()
        told.get_loop().call_soon_threadsafe(told.set_result, event)

    async with WebsocketCommunicator(reach(application), "/") as ws:
        assert await ws.receive_text() == "hello"
        await ws.drop()
        async with asyncio.timeout(5):
            # RFC 6455 wants 1006; uvicorn's newer protocol says 1005.
            assert (await told)["code"] in (1005, 1006)
    assert ws.close_code == 1006


@asyncio_only
async def test_nothing_and_something_are_told_apart(reach: Reach) -> None:
    """`receive_nothing` is True in silence, False after a frame, which stays."""
    async with WebsocketCommunicator(reach(echo), "/") as ws:
        assert await ws.receive_nothing(0.05)
        await ws.send_text("x")
        assert not await ws.receive_nothing(5)
        assert await ws.receive_text() == "x"


@asyncio_only
async def test_big_frames_travel_both_ways_at_once(reach: Reach) -> None:
    """Frames far beyond any buffer pass without blocking each other."""
    frames = ["\N{SNOWMAN}" * 500_000, "x" * 3_000_000]
    async with WebsocketCommunicator(reach(echo), "/", timeout=20) as ws:
        for frame in frames:
            await ws.send_text(frame)
        for frame in frames:
            assert await ws.receive_text() == frame


@asyncio_only
async def test_cancelled_receive_loses_nothing(reach: Reach) -> None:
    """`asyncio.timeout` around a receive takes no frame with it."""
    found: list[str] = []
    async with WebsocketCommunicator(reach(echo), "/") as ws:
        for number in range(40):
            await ws.send_text(str(number))
            try:
                async with asyncio.timeout(0.00005 * number):
                    found.append(await ws.receive_text())
            except TimeoutError:
                continue
        while len(found) < 40:
            found.append(await ws.receive_text())
    assert found == [str(number) for number in range(40)]


@asyncio_only
@pytest.mark.parametrize(
    ("code", "reason", "fault"),
    [
        (
            1000,
            62 * "\N{LATIN SMALL LETTER E WITH ACUTE}",
            "the reason has 124 bytes: a",
        ),
        (99, "", "code=99: a client closes with 1000 to 1003, 1007 to 1014 or 3000"),
        (1004, "", "code=1004: a client closes with"),
    ],
)
async def test_goodbye_that_no_client_says(
    reach: Reach, code: int, reason: str, fault: str
) -> None:
    """It is refused in one sentence, and the connection lives."""
    async with WebsocketCommunicator(reach(echo), "/") as ws:
        with pytest.raises(ValueError, match=fault):
            await ws.disconnect(code, reason=reason)
        await ws.send_text("fine")
        assert await ws.receive_text() == "fine"


@asyncio_only
async def test_close_code_that_is_no_number(reach: Reach) -> None:
    """It is a TypeError, and the connection lives."""
    async with WebsocketCommunicator(reach(echo), "/") as ws:
        with pytest.raises(TypeError, match="code='1000': a close code is a whole"):
            await ws.disconnect("1000")  # type: ignore[arg-type]
        assert ws.close_code is None


@asyncio_only
@pytest.mark.parametrize("code", [1001, 1005, 1006, 3000, 4999])
async def test_goodbye_of_every_kind(reach: Reach, code: int) -> None:
    """What a client may close with, and what is seen of one that is lost."""
    seen: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        seen.append((await receive())["code"])

    async with WebsocketCommunicator(reach(app), "/") as ws:
        await ws.disconnect(code)
    while not seen:  # a server tells its application in its own time
        await asyncio.sleep(0.001)
    assert seen[0] in ({1005, 1006} if code in (1005, 1006) else {code})


@asyncio_only
async def test_text_that_no_frame_holds(reach: Reach) -> None:
    """It is refused in one sentence, and the connection lives."""
    async with WebsocketCommunicator(reach(echo), "/") as ws:
        with pytest.raises(ValueError, match="a text frame holds Unicode; a browser"):
            await ws.send_text("\ud800")
        await ws.send_text("f\N{LATIN SMALL LETTER I WITH DIAERESIS}ne")
        assert len(await ws.receive_text()) == 4
        assert "ud800" not in str(ws.transcript)


# --- the network alone


async def opened(
    driver: NetworkDriver, path: str = "/", headers: Any = None, timeout: float = 5
) -> tuple[Any, Transcript]:
    transcript = Transcript()
    scope = build_scope(path, headers)
    return await driver.open(scope, transcript, timeout=timeout), transcript


async def left(driver: NetworkDriver) -> None:
    await driver.close(code=1000, reason="", timeout=5)


@ON_ASYNCIO
async def test_silence_says_why_it_took_the_whole_timeout(live: Server) -> None:
    """A failure says that there was no proof, and why."""
    live.application = echo
    async with WebsocketCommunicator(live.url, "/") as ws:
        with pytest.raises(NoMessage) as failure:
            await ws.receive_text(timeout=0.05)
    assert f"nothing arrived within 0.05 s (not provable sooner: {WHY})" in str(
        failure.value
    )
    assert f"What it is doing cannot be seen: it runs at {live.url}." in str(
        failure.value
    )


@ON_ASYNCIO
async def test_path_of_the_url_stands_before_the_path(live: Server) -> None:
    """A server may live below a prefix."""
    paths: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        await answers(ACCEPT)(scope, receive, send)

    live.application = application
    driver = NetworkDriver(f"{live.url}/prefix/")
    await opened(driver, "/ws")
    await left(driver)
    assert paths == ["/prefix/ws"]


@ON_ASYNCIO
async def test_server_own_headers_are_no_answer_of_the_application(
    live: Server,
) -> None:
    """Headers that every handshake has are left out of the `Accept`."""
    live.application = answers({**ACCEPT, "headers": [(b"X-Answer", b"yes")]})
    driver = NetworkDriver(live.url)
    accept, _ = await opened(driver)
    names = {name for name, _ in accept.headers}
    assert b"x-answer" in names
    assert not {name for name in names if name.startswith(b"sec-websocket-")}
    assert not names & {b"upgrade", b"connection"}
    await left(driver)


@ON_ASYNCIO
@pytest.mark.parametrize(("compression", "offered"), [("deflate", True), (None, False)])
async def test_compression_can_be_turned_off(
    live: Server, compression: Any, offered: bool
) -> None:
    """Compression is offered by default, and not with None."""
    live.application = shows_headers
    driver = NetworkDriver(live.url, compression=compression)
    await opened(driver)
    headers = str(await driver.receive(timeout=5))
    assert ("permessage-deflate" in headers) is offered
    await left(driver)


@ON_ASYNCIO
async def test_frames_travel_compressed() -> None:
    """What both sides agreed on is used: a frame of one letter is short."""
    sizes: list[int] = []

    async def measure(connection: ServerConnection) -> None:
        received = connection.protocol.receive_data

        def count(content: bytes) -> None:
            sizes.append(len(content))
            received(content)

        connection.protocol.receive_data = count
        await connection.send(await connection.recv())

    letters = "a" * 100_000
    for compression, limit in (("deflate", 1_000), (None, 200_000)):
        sizes.clear()
        async with websocket_server(measure) as url:
            driver = NetworkDriver(url, compression=compression)
            await opened(driver)
            await driver.send(letters)
            assert await driver.receive(timeout=5) == letters
            await left(driver)
        assert limit / 10 < sum(sizes) < limit


@asyncio_only
async def test_tls_with_a_certificate_of_our_own() -> None:
    """`wss://` works with a context that knows the server's certificate."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with server(ssl_certfile=str(CERTIFICATE)) as secure:
        secure.application = echo
        driver = NetworkDriver(secure.url, ssl=context)
        async with WebsocketCommunicator(driver, "/") as ws:
            await ws.send_text("secret")
            assert await ws.receive_text() == "secret"


@ON_ASYNCIO
async def test_unknown_certificate_is_one_clear_error() -> None:
    """A certificate that is not trusted is named as the reason."""
    with (
        server(ssl_certfile=str(CERTIFICATE)) as secure,
        pytest.raises(ConnectionError, match="certificate verify failed"),
    ):
        await opened(NetworkDriver(secure.url))


@ON_ASYNCIO
@pytest.mark.usefixtures("live")  # which keeps what is raised on purpose from the log
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_driver_conforms_over_tls(compression: Any) -> None:
    """Every rule of a driver is kept over TLS too, compressed or not."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with server(ssl_certfile=str(CERTIFICATE)) as secure:

        def make(application: Any) -> NetworkDriver:
            secure.application = application
            return NetworkDriver(secure.url, ssl=context, compression=compression)

        await check_driver(make)


@ON_ASYNCIO
async def test_frames_are_recorded_when_they_arrive(live: Server) -> None:
    """The transcript knows a frame that no test has read."""
    live.application = answers(ACCEPT, HELLO, {"type": "websocket.close"})
    driver = NetworkDriver(live.url)
    accept, transcript = await opened(driver)
    assert await driver.settle(timeout=5) == Silence(
        "proved", "the connection has ended"
    )
    assert [entry.what for entry in transcript] == [accept, "hello", Close(1000)]
    assert await driver.receive(timeout=0) == "hello"
    await left(driver)


@ON_ASYNCIO
async def test_proxy_of_the_machine_is_not_used(
    live: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test depends on no proxy setting of the machine it runs on."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    live.application = echo
    driver = NetworkDriver(live.url)
    assert isinstance((await opened(driver))[0], Accept)
    await left(driver)


@ON_ASYNCIO
async def test_nobody_at_the_address() -> None:
    """Without a server there is one clear error, which asks the right question."""
    url = f"ws://127.0.0.1:{free_port()}"
    ws = WebsocketCommunicator(url, "/")
    with pytest.raises(ConnectionError) as failure:
        await ws.connect()
    assert str(failure.value).startswith(f"no connection to {url}: ")
    assert str(failure.value).endswith("; is the server running?")
    await ws.disconnect()


@pytest.mark.parametrize("url", ["http://a", "ws://", "a", "ws:///path"])
def test_url_of_something_else(url: str) -> None:
    """What is no URL of a WebSocket server is refused at once."""
    with pytest.raises(ValueError, match="is no ws:// or wss:// URL of a server"):
        NetworkDriver(url)


@pytest.mark.parametrize("url", ["ws://a/b?c=d", "ws://a/#b"])
def test_query_belongs_to_the_connection(url: str) -> None:
    """A query in the server's URL is refused, and the text says where it goes."""
    with pytest.raises(ValueError, match="the query in the path of the connection"):
        NetworkDriver(url)


@ON_ASYNCIO
async def test_header_that_cannot_travel(live: Server) -> None:
    """Bytes that `websockets` cannot send are refused rather than changed."""
    live.application = echo
    headers = [(b"x-name", b"caf\xe9")]
    with pytest.raises(ValueError, match=r"b'x-name' .* is not UTF-8"):
        await opened(NetworkDriver(live.url), headers=headers)


@on("trio")
async def test_trio_is_refused() -> None:
    """On trio there is one clear sentence."""
    with pytest.raises(RuntimeError, match="can be tested from asyncio only"):
        await opened(NetworkDriver("ws://127.0.0.1:9"))


@ON_ASYNCIO
async def test_missing_websockets_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the `websockets` library the text says what to install."""
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(ImportError, match=r"install wstest-core\[live\]"):
        await opened(NetworkDriver("ws://127.0.0.1:9"))


def test_drivers_do_not_import_websockets() -> None:
    """Naming the driver costs nothing to those who never use it."""
    code = "import sys; from wstest_core import NetworkDriver as N; N('ws://a')"
    check = "; print('websockets' in sys.modules)"
    command = [sys.executable, "-c", code + check]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# --- servers that misbehave


@asynccontextmanager
async def raw_server(answer: Callable[[Any, Any], Any]) -> AsyncIterator[str]:
    """A server that speaks no HTTP."""

    handled = asyncio.Event()

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            handled.set()

    raw = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with raw:
        yield f"ws://127.0.0.1:{raw.sockets[0].getsockname()[1]}"
        await handled.wait()


@asynccontextmanager
async def websocket_server(
    handle: Callable[[ServerConnection], Any], **options: Any
) -> AsyncIterator[str]:
    async with serve(handle, "127.0.0.1", 0, **options) as running:
        yield f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"


@ON_ASYNCIO
async def test_server_that_does_not_answer() -> None:
    """A handshake without an answer is silence, and the client goes again."""

    async def never(reader: asyncio.StreamReader, _: Any) -> None:
        await reader.read()

    async with raw_server(never) as url:
        ws = WebsocketCommunicator(url, "/")
        with pytest.raises(NoMessage) as failure:
            await ws.connect(timeout=0.05)
        assert f"The server at {url} has not answered." in str(failure.value)
        await ws.disconnect()


@ON_ASYNCIO
@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"])
async def test_server_that_speaks_something_else(answer: bytes) -> None:
    """An answer that is no HTTP ends the connection, and the text says so."""

    async def speak(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with raw_server(speak) as url:
        driver = NetworkDriver(url)
        end, transcript = await opened(driver)
        assert end == Return()
        assert "the handshake failed: " in driver.doing()
        assert "the handshake failed: " in str(transcript)
        assert await driver.receive(timeout=0) == end
        await left(driver)


@ON_ASYNCIO
async def test_subprotocol_that_was_not_offered(live: Server) -> None:
    """A browser ends such a handshake (RFC 6455 section 4.1), and so do we."""
    live.application = answers({**ACCEPT, "subprotocol": "surprise"})
    driver = NetworkDriver(live.url)
    assert (await opened(driver))[0] == Return()
    assert "subprotocol" in driver.doing()
    await left(driver)


@ON_ASYNCIO
async def test_lost_connection_is_a_return() -> None:
    """A server that vanishes ends the connection as 1006, after its frames."""

    async def vanish(connection: ServerConnection) -> None:
        await connection.send("last words")
        await connection.recv()
        connection.transport.abort()

    async with websocket_server(vanish) as url:
        driver = NetworkDriver(url)
        await opened(driver)
        assert await driver.receive(timeout=5) == "last words"
        await driver.send("go")
        assert await driver.receive(timeout=5) == Return()
        assert driver.ended == Return()
        assert f"The server at {url} is gone: no close frame" in driver.doing()
        await driver.send("too late")
        await left(driver)


@ON_ASYNCIO
async def test_server_that_answers_no_ping() -> None:
    """A connection whose pings stay unanswered is lost, and the text says why."""

    async def freeze(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with websocket_server(freeze, ping_interval=None, close_timeout=0) as url:
        driver = NetworkDriver(url, ping_interval=0.02, ping_timeout=0.02)
        _, transcript = await opened(driver, timeout=0.1)
        assert (await driver.settle(timeout=5)).kind == "proved"
        await left(driver)
        assert "keepalive ping timeout" in str(transcript)


@ON_ASYNCIO
async def test_pings_can_be_turned_off() -> None:
    """Without pings a silent server is no lost connection."""

    async def freeze(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with websocket_server(freeze, ping_interval=None, close_timeout=0) as url:
        driver = NetworkDriver(url, ping_interval=None, ping_timeout=0.001)
        await opened(driver)
        assert await driver.settle(timeout=0.05) == Silence("expired", WHY)
        await driver.drop(code=1006)


@ON_ASYNCIO
async def test_server_that_does_not_close() -> None:
    """`close` waits no longer for a server than its timeout."""

    async def freeze(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with websocket_server(freeze, ping_interval=None, close_timeout=0) as url:
        driver = NetworkDriver(url)
        await opened(driver)
        await driver.close(code=1000, reason="", timeout=0.05)
        assert driver.ended == Return(asked=True)


@ON_ASYNCIO
async def test_code_that_never_travels_is_a_lost_connection(live: Server) -> None:
    """A close with 1006 cannot be sent, so the client vanishes instead."""
    live.application = echo
    driver = NetworkDriver(live.url)
    await opened(driver)
    await driver.close(code=1006, reason="", timeout=5)
    assert await driver.receive(timeout=0) == Return(asked=True)


@ON_ASYNCIO
async def test_two_receivers_get_a_frame_each(live: Server) -> None:
    """Waiters share what comes, one frame each, in their order."""
    live.application = echo
    driver = NetworkDriver(live.url)
    await opened(driver)
    both = asyncio.gather(driver.receive(timeout=5), driver.receive(timeout=5))
    await driver.send("a")
    await driver.send("b")
    assert sorted(map(str, await both)) == ["a", "b"]
    await left(driver)
