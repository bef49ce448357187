"""What an application sees when it runs in the test's own event loop."""

import asyncio
import sys
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any

import anyio
import pytest

from tests.backends import asyncio_only, on
from tests.core.scripted import ACCEPT, Receive, Scope, Send, echo, says, text
from wstest_core import AsgiDriver, IllegalAsgiEvent, Transcript
from wstest_core.drivers import ClientDisconnected
from wstest_core.events import Accept, Close, Crash, Reject, Return, Silence
from wstest_core.scope import build_scope

pytestmark = pytest.mark.anyio

CLOSE = {"type": "websocket.close"}
VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


@asynccontextmanager
async def opened(
    application: Any, path: str = "/", *, timeout: float = 5, **options: Any
) -> AsyncIterator[tuple[AsgiDriver, Any]]:
    driver = AsgiDriver(application, context=options.pop("context", None))
    scope = build_scope(path, **options)
    answer = await driver.open(scope, Transcript(), timeout=timeout)
    yield driver, answer
    await driver.close(code=1000, reason="", timeout=timeout)


async def all_of(driver: AsgiDriver) -> list[Any]:
    """Every event up to the terminal one or silence."""
    events = []
    while isinstance(event := await driver.receive(timeout=5), str | bytes):
        events.append(event)
    return [*events, event]


# --- the application that is given


class Consumer:
    """What Channels' consumers look like from outside."""

    @classmethod
    def as_asgi(cls) -> Any:
        return echo


class Instance:
    """An object whose call is the application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)


def double(scope: Scope) -> Any:
    """A legacy ASGI 2 application: called twice."""

    async def instance(receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)

    return instance


class Double:
    """A legacy ASGI 2 application that is a class."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, receive: Receive, send: Send) -> None:
        await echo(self.scope, receive, send)


@pytest.mark.parametrize("application", [echo, Consumer, Instance(), double, Double])
async def test_every_form_of_application_runs(application: Any) -> None:
    """ASGI 3 callables, consumers and legacy double callables all run."""
    async with opened(application) as (driver, answer):
        assert answer == Accept()
        await driver.send("x")
        assert await driver.receive(timeout=5) == "x"


async def test_import_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application can be named by module and attribute, dotted if need be."""
    module = types.ModuleType("some_project")
    module.holder = types.SimpleNamespace(app=echo)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_project", module)
    async with opened("some_project:holder.app") as (_, answer):
        assert answer == Accept()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("some.module", "write 'package.module:app'"),
        (":app", "write 'package.module:app'"),
        ("http://localhost", "give a ws:// or wss:// URL of a running server"),
        ("no_such_module:app", "there is no module 'no_such_module'"),
        ("asyncio.no_such:app", "there is no module 'asyncio.no_such'"),
        ("asyncio:no_such", "has no attribute 'no_such'"),
        ("sys:path", "which is no ASGI application"),
    ],
)
def test_import_string_that_names_nothing(name: str, text: str) -> None:
    """A wrong import string is one clear error, when it is given."""
    with pytest.raises(ValueError, match=text):
        AsgiDriver(name)


@pytest.mark.parametrize("application", [None, 7, object(), {}])
def test_no_application(application: Any) -> None:
    """What cannot be called is refused, with what to give instead."""
    with pytest.raises(TypeError, match="is no ASGI application: give an ASGI 3"):
        AsgiDriver(application)


def test_driver_binds_to_no_loop() -> None:
    """A driver is made outside of any event loop, and runs nothing."""
    AsgiDriver(echo)


async def test_a_driver_is_one_connection() -> None:
    """To open it again is one clear error, and does nothing to the first."""
    async with opened(echo) as (driver, _):
        with pytest.raises(RuntimeError, match="is one connection: make another"):
            await driver.open(build_scope("/"), Transcript(), timeout=5)
        await driver.send("x")
        assert await driver.receive(timeout=5) == "x"
    with pytest.raises(RuntimeError, match="is one connection: make another"):
        await driver.open(build_scope("/"), Transcript(), timeout=5)


# --- what it is given


async def test_scope_is_a_servers() -> None:
    """The scope has everything that a server would put there."""
    scopes: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await echo(scope, receive, send)

    headers = [("X-Token", "a"), (b"Cookie", b"b=c")]
    async with opened(
        application,
        "/caf%C3%A9/x?q=%20&q=2",
        headers=headers,
        subprotocols=["v1", "v2"],
        client=("10.0.0.1", 1234),
        state={"db": 1},
        extensions={"tls": {}},
    ):
        pass
    assert scopes == [
        {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "server": ("testserver", 80),
            "client": ("10.0.0.1", 1234),
            "root_path": "",
            "path": "/caf\N{LATIN SMALL LETTER E WITH ACUTE}/x",
            "raw_path": b"/caf%C3%A9/x",
            "query_string": b"q=%20&q=2",
            "headers": [
                (b"host", b"testserver"),
                (b"upgrade", b"websocket"),
                (b"connection", b"Upgrade"),
                (b"sec-websocket-version", b"13"),
                (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
                (b"sec-websocket-protocol", b"v1, v2"),
                (b"x-token", b"a"),
                (b"cookie", b"b=c"),
            ],
            "subprotocols": ["v1", "v2"],
            "state": {"db": 1},
            "extensions": {"websocket.http.response": {}, "tls": {}},
        }
    ]


async def test_context_of_the_test_does_not_leak() -> None:
    """Context variables of the test are unset in the application, and back."""
    found: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(VARIABLE.get())
        VARIABLE.set("of the application")
        await echo(scope, receive, send)

    VARIABLE.set("of the test")
    async with opened(application):
        pass
    assert found == ["unset"]
    assert VARIABLE.get() == "of the test"


@pytest.mark.parametrize("empty", [True, False])
async def test_context_can_be_given(empty: bool) -> None:
    """The application runs in the context that it is given."""
    VARIABLE.set("of the test")
    context = Context() if empty else copy_context()
    found: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(VARIABLE.get())
        VARIABLE.set("of the application")
        await echo(scope, receive, send)

    async with opened(application, context=context):
        pass
    assert found == ["unset" if empty else "of the test"]
    assert context[VARIABLE] == "of the application"


async def test_events_have_one_kind_of_content() -> None:
    """A text frame arrives as text, a binary one as bytes, empty ones too."""
    seen: list[Any] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        await send(ACCEPT)
        while (event := await receive())["type"] == "websocket.receive":
            seen.append(event)
        seen.append(event)

    async with opened(application) as (driver, _):
        for frame in ("x", b"y", "", b""):
            await driver.send(frame)
        await driver.close(code=4000, reason="bye", timeout=5)
    assert [event.pop("type") for event in seen] == [
        "websocket.connect",
        *["websocket.receive"] * 4,
        "websocket.disconnect",
    ]
    assert seen == [
        {},
        *({"text": "x"}, {"bytes": b"y"}, {"text": ""}, {"bytes": b""}),
        {"code": 4000, "reason": "bye"},
    ]


# --- what it may send


async def outcome(*events: Any, **options: Any) -> tuple[Any, BaseException | None]:
    """How an application that sends these events ends, and with what error."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for event in events:
            await send(event)

    async with opened(application, **options) as (driver, _):
        end = (await all_of(driver))[-1]
    return end, driver.exception


START = {"type": "websocket.http.response.start", "status": 401}
BODY = {"type": "websocket.http.response.body", "body": b"no"}
ILLEGAL = [
    ((None,), "an event is a dict, not NoneType"),
    (({},), "an event has a 'type', which is a str"),
    (({"type": "websocket.nonsense"},), "there is no such event"),
    ((text("x"),), "before accept only websocket.accept or websocket.close"),
    ((ACCEPT, ACCEPT), "after accept only websocket.send or websocket.close"),
    ((ACCEPT, START), "after accept only websocket.send or websocket.close"),
    ((BODY,), "before accept only"),
    ((START, ACCEPT), "within a denial response only websocket.http.response.body"),
    ((CLOSE, CLOSE), "after close only nothing may be sent"),
    ((ACCEPT, CLOSE, text("x")), "after close only nothing may be sent"),
    ((START, BODY, BODY), "after close only nothing may be sent"),
    ((ACCEPT, {"type": "websocket.send"}), "exactly one of 'text' and 'bytes'"),
    ((ACCEPT, {**text("x"), "bytes": b"x"}), "is given, not both"),
    ((ACCEPT, text(b"x")), "'text' is a str, not bytes"),
    ((ACCEPT, {"type": "websocket.send", "bytes": "x"}), "'bytes' is bytes, not str"),
    (({**ACCEPT, "subprotocol": b"x"},), "'subprotocol' is a str or None"),
    (({**ACCEPT, "headers": [("x", "y")]},), "a header is a pair of bytes"),
    (({**ACCEPT, "headers": 7},), "'headers' is a list of pairs of bytes"),
    ((ACCEPT, {**CLOSE, "code": 1006}), "'code' is 1000 to 1003"),
    ((ACCEPT, {**CLOSE, "code": "4000"}), "'code' is 1000 to 1003"),
    ((ACCEPT, {**CLOSE, "reason": b"x"}), "'reason' is a str"),
    ((ACCEPT, {**CLOSE, "reason": "x" * 124}), "'reason' has at most 123 bytes"),
    (({**START, "status": "401"},), "'status' is an HTTP status code"),
    ((START, {**BODY, "body": "no"}), "'body' is bytes"),
]


@on("asyncio")
@pytest.mark.parametrize(("events", "rule"), ILLEGAL)
async def test_illegal_event_names_the_rule(events: Any, rule: str) -> None:
    """What ASGI forbids raises in the application, and names event and rule."""
    _, error = await outcome(*events)
    assert isinstance(error, IllegalAsgiEvent)
    assert isinstance(error, RuntimeError), "which is what servers raise"
    assert rule in str(error)


@on("asyncio")
@pytest.mark.parametrize(
    ("events", "end"),
    [
        ((CLOSE,), Reject(1000)),
        (({**CLOSE, "code": 4001, "reason": "no"},), Reject(4001, reason="no")),
        (({**CLOSE, "code": 9, "reason": ["anything"]},), Reject(9)),
        ((ACCEPT, CLOSE), Close(1000)),
        ((ACCEPT, {**CLOSE, "code": None, "reason": None}), Close(1000)),
        (
            (ACCEPT, {**CLOSE, "code": 3000, "reason": "x" * 123}),
            Close(3000, "x" * 123),
        ),
        ((ACCEPT, {**text("x"), "bytes": None}), Return()),
        (({**ACCEPT, "headers": [[b"a", b"b"]], "subprotocol": None},), Return()),
        ((START, BODY), Reject(None, 401, (), b"no")),
        ((START, {"type": BODY["type"]}), Reject(None, 401)),
        ((START,), Reject(None, 500)),
    ],
)
async def test_legal_events_are_taken(events: Any, end: Any) -> None:
    """What ASGI allows ends in what a server would make of it."""
    assert await outcome(*events) == (end, None)


@pytest.mark.parametrize("extensions", ["absent", None, {}])
async def test_scope_without_extensions(extensions: Any) -> None:
    """`extensions` is optional in ASGI: without it there is no denial response."""
    found: list[IllegalAsgiEvent] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        with pytest.raises(IllegalAsgiEvent) as caught:
            await send(START)
        found.append(caught.value)
        await send(ACCEPT)
        await receive()

    driver, scope = AsgiDriver(application), build_scope("/")
    scope["extensions"] = extensions
    if extensions == "absent":
        del scope["extensions"]
    assert await driver.open(scope, Transcript(), timeout=5) == Accept()
    await driver.close(code=1000, reason="", timeout=5)
    assert driver.exception is None
    assert len(found) == 1


async def test_scope_without_a_version() -> None:
    """Without `asgi` the specification is 2.0: a late send is dropped in silence."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        await send(text("too late"))
        reached.append(True)

    driver, scope, reached = AsgiDriver(application), build_scope("/"), list[bool]()
    del scope["asgi"]
    assert await driver.open(scope, Transcript(), timeout=5) == Accept()
    await driver.close(code=1000, reason="", timeout=5)
    assert driver.exception is None
    assert reached == [True]


async def test_denial_response_comes_in_parts() -> None:
    """The body of a denial response is collected until it is whole."""
    headers = [(b"x-why", b"token")]
    first = {**BODY, "body": b"so ", "more_body": True}
    end, _ = await outcome({**START, "headers": headers}, first, first, BODY)
    assert end == Reject(None, 401, ((b"x-why", b"token"),), b"so so no")


async def test_application_may_survive_its_illegal_event() -> None:
    """It can catch the error and go on; a failure text still tells of it."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        with pytest.raises(IllegalAsgiEvent):
            await send(ACCEPT)
        await send(text("sorry"))
        await receive()

    async with opened(application) as (driver, _):
        assert await driver.receive(timeout=5) == "sorry"
        assert "It sent what ASGI forbids: 'websocket.accept'" in driver.doing()
    assert driver.exception is None


# --- how it ends


async def test_crash_before_accept() -> None:
    """A crash before an answer is the answer."""
    error = ValueError("on purpose")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    async with opened(application) as (driver, answer):
        assert answer == Crash(error, accepted=False)
        assert await all_of(driver) == [answer]
    assert driver.exception is error


async def test_crash_after_accept_comes_after_the_frames() -> None:
    """`open` tells of the accept, then come the frames, then the crash."""
    error = ValueError("on purpose")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await says("a", "b", then=crash)(scope, receive, send)

    async def crash(_: Send) -> None:
        raise error

    async with opened(application) as (driver, answer):
        assert answer == Accept()
        assert await all_of(driver) == ["a", "b", Crash(error)]


async def test_return_before_the_connect_event() -> None:
    """An application that just returns is refused as a server would: 500."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    async with opened(application) as (driver, answer):
        assert answer == Reject(None, 500)
        assert driver.doing() == "The application has returned."


async def test_client_leaves_while_nothing_was_answered() -> None:
    """A client that gives up waiting ends the application with a disconnect."""
    seen: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (event := await receive())["type"] != "websocket.disconnect":
            seen.append(event["type"])
        seen.append(event["type"])

    async with opened(application, timeout=0.05) as (driver, answer):
        assert isinstance(answer, Silence)
    assert seen == ["websocket.connect", "websocket.disconnect"]
    assert driver.ended == Return(asked=True)


async def test_application_that_closes_is_told_so() -> None:
    """After its own close the application gets a disconnect with that code."""
    seen: list[Any] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({**CLOSE, "code": 4001, "reason": "enough"})
        seen.append(await receive())

    async with opened(application) as (driver, _):
        assert await all_of(driver) == [Close(4001, "enough")]
    assert [(event["code"], event["reason"]) for event in seen] == [(4001, "enough")]


async def test_refusing_application_is_told_1006() -> None:
    """After a refusal the application gets a disconnect with 1006."""
    seen: list[Any] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(CLOSE)
        seen.append(await receive())

    async with opened(application) as (_, answer):
        assert answer == Reject(1000)
    assert [event["code"] for event in seen] == [1006]


@pytest.mark.parametrize("verb", ["close", "drop"])
@pytest.mark.parametrize(
    ("version", "raises"), [("2.3", False), ("2.4", True), ("2.5", True), ("3", True)]
)
async def test_send_to_a_client_that_has_gone(
    verb: str, version: str, raises: bool
) -> None:
    """It raises an OSError from ASGI 2.4 on, and nothing before; it arrives never."""
    found: list[BaseException | None] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        for event in (text("too late"), CLOSE):
            try:
                await send(event)
            except OSError as error:
                found.append(error)
            else:
                found.append(None)

    async with opened(application, spec_version=version) as (driver, _):
        if verb == "close":
            await driver.close(code=1001, reason="", timeout=5)
        else:
            await driver.drop(code=1006)
        assert await all_of(driver) == [Return(asked=True)]
    kind = ClientDisconnected if raises else type(None)
    assert [type(error) for error in found] == [kind, kind]
    assert driver.exception is None


async def test_send_after_the_end_to_a_client_that_has_gone() -> None:
    """A task that outlives the application gets the same, as from a server."""
    sends: list[Send] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        sends.append(send)
        await echo(scope, receive, send)

    async with opened(application) as (driver, _):
        await driver.close(code=1000, reason="", timeout=5)
        assert await all_of(driver) == [Return(asked=True)]
        for event in (text("too late"), CLOSE):
            with pytest.raises(ClientDisconnected):
                await sends[0](event)
        with pytest.raises(IllegalAsgiEvent, match="after accept only"):
            await sends[0](ACCEPT)


async def test_error_of_a_late_send_is_no_crash() -> None:
    """Letting that error escape is what applications do: it is no crash."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        await send(text("too late"))

    async with opened(application) as (driver, _):
        await driver.close(code=1000, reason="", timeout=5)
        assert driver.exception is None
        assert driver.ended == Return(asked=True)


async def test_error_after_the_goodbye_is_kept() -> None:
    """What an application raises when it is told of the disconnect is kept."""
    error = ValueError("on purpose")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        raise error

    async with opened(application) as (driver, _):
        await driver.close(code=1000, reason="", timeout=5)
    assert driver.exception is error


async def test_error_after_the_applications_own_close_is_kept() -> None:
    """The connection ended with the close; the error is still to be seen."""
    error = ValueError("on purpose")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send(CLOSE)
        raise error

    async with opened(application) as (driver, _):
        assert await all_of(driver) == [Close(1000)]
    assert driver.exception is error


async def test_close_while_the_application_is_sending() -> None:
    """A client may leave in the middle of a burst: what was sent stays."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        for number in range(10_000):
            await send(text(str(number)))
            await anyio.sleep(0)

    async with opened(application, timeout=0.01) as (driver, _):
        first = await driver.receive(timeout=5)
        await driver.close(code=1000, reason="", timeout=5)
        *rest, end = await all_of(driver)
    assert [first, *rest] == [str(number) for number in range(len(rest) + 1)]
    assert end == Return(asked=True)


async def test_stubborn_application_is_cancelled() -> None:
    """An application that ignores the disconnect is stopped, and that is told."""
    cancelled = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        try:
            await anyio.sleep_forever()
        except BaseException:
            cancelled.append(True)
            raise

    async with opened(application) as (driver, _):
        await driver.close(code=1000, reason="", timeout=0.05)
    assert driver.lingers
    assert cancelled == [True]
    assert driver.exception is None


@on("trio")
async def test_a_group_of_cancellations_is_no_crash() -> None:
    """An application with a nursery is stopped like any other."""
    import trio

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            await trio.sleep_forever()

    async with opened(application) as (driver, _):
        await driver.close(code=1000, reason="", timeout=0.05)
    assert driver.exception is None
    assert driver.ended == Return(asked=True)


async def test_error_among_cancellations_is_kept() -> None:
    """What else an application raises when it is stopped is a crash."""
    error = ValueError("in the cleanup")

    async def cleans_up() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise error

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cleans_up)
            await anyio.sleep_forever()

    async with opened(application) as (driver, _):
        await driver.close(code=1000, reason="", timeout=0.05)
    assert isinstance(driver.exception, ExceptionGroup)
    assert driver.exception.exceptions == (error,)


async def test_waiting_application_is_not_cancelled() -> None:
    """An application that cleans up after the disconnect is given its time."""
    cleaned: list[bool] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        await anyio.sleep(0.01)
        cleaned.append(True)

    async with opened(application) as (driver, _):
        await driver.close(code=1000, reason="", timeout=5)
    assert not driver.lingers
    assert cleaned == [True]


# --- nothing is lost, nothing is harmed


async def test_ten_thousand_frames() -> None:
    """Ten thousand frames arrive, in order, sent in one go."""
    frames = [str(number) for number in range(10_000)]
    async with opened(says(*frames)) as (driver, _):
        assert [await driver.receive(timeout=5) for _ in frames] == frames


async def test_flooding_application_does_not_stop_the_test() -> None:
    """An application that sends for ever, without a pause, can be ended."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        while True:
            await send(text("more"))

    async with opened(application, timeout=0.01) as (driver, answer):
        assert answer == Accept()
        for _ in range(3000):
            assert await driver.receive(timeout=5) == "more"
    assert isinstance(driver.exception, ClientDisconnected | None)


async def test_flood_to_a_client_that_has_gone_can_be_ended() -> None:
    """Before ASGI 2.4 nothing tells it so: it is stopped where it pauses."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        while True:
            await send(text("more"))

    options: dict[str, Any] = {"spec_version": "2.3", "timeout": 0.01}
    async with opened(application, **options) as (driver, _):
        assert await driver.receive(timeout=5) == "more"
    assert driver.ended == Return(asked=True)
    assert driver.exception is None


@asyncio_only
@pytest.mark.parametrize("turns", range(8))
async def test_cancelled_receive_loses_nothing(turns: int) -> None:
    """A receive that is cancelled in any turn of the loop takes no frame along."""
    found: list[Any] = []
    async with opened(echo) as (driver, _):

        async def take() -> None:
            found.append(await driver.receive(timeout=5))

        for number in range(20):
            task = asyncio.create_task(take())
            await asyncio.sleep(0)
            await driver.send(str(number))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        while len(found) < 20:
            found.append(await driver.receive(timeout=5))
    assert found == [str(number) for number in range(20)]


@asyncio_only
async def test_deadline_and_frame_in_one_turn_lose_nothing() -> None:
    """`asyncio.timeout` that ends in the turn a frame comes takes none along."""
    found: list[Any] = []
    async with opened(echo) as (driver, _):
        for number in range(200):
            await driver.send(str(number))
            try:
                async with asyncio.timeout(0 if number % 2 else 0.000001 * number):
                    found.append(await driver.receive(timeout=5))
            except TimeoutError:
                continue
        while len(found) < 200:
            found.append(await driver.receive(timeout=5))
    assert found == [str(number) for number in range(200)]


async def test_timeout_does_not_cancel_the_application() -> None:
    """A timeout is the test's affair: the application notices nothing."""
    ready = anyio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await ready.wait()
        await send(text("slow"))
        await receive()

    async with opened(application, timeout=0.05) as (driver, _):
        for timeout in (0.001, 0.0, 0.001):
            assert isinstance(await driver.receive(timeout=timeout), Silence)
        ready.set()
        assert await driver.receive(timeout=5) == "slow"


async def test_cancelled_open_can_be_closed() -> None:
    """A test that is cancelled while it connects can still give everything back."""
    ended: list[bool] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
            await receive()
        finally:
            ended.append(True)

    driver = AsgiDriver(application)
    with anyio.move_on_after(0.01):
        await anyio.sleep(0)
        await driver.open(build_scope("/"), Transcript(), timeout=60)
    await driver.close(code=1006, reason="", timeout=5)
    assert ended == [True]


@pytest.mark.parametrize("owes", [True, False])
async def test_cancelled_close_ends_the_application(owes: bool) -> None:
    """It has been cancelled by us then, which is no crash, when `close` returns."""
    ended: list[bool] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
            await send(ACCEPT)
            while (await receive())["type"] != "websocket.disconnect":
                await forever()
            await forever()
        finally:
            ended.append(True)

    async def forever() -> None:
        while True:  # so that nothing is proved
            await anyio.sleep(0)

    driver = AsgiDriver(application)
    assert await driver.open(build_scope("/"), Transcript(), timeout=5) == Accept()
    if owes:
        await driver.send("x")
    with anyio.move_on_after(0.01):
        await driver.close(code=1001, reason="", timeout=60)
    assert ended == [True]
    assert driver.exception is None
    assert driver.ended == Return(asked=True)


async def test_two_receivers_get_a_frame_each() -> None:
    """Two who wait at the same time share what comes."""
    found: list[Any] = []
    async with opened(echo) as (driver, _):

        async def take() -> None:
            found.append(await driver.receive(timeout=5))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            tasks.start_soon(take)
            await anyio.sleep(0)
            await driver.send("a")
            await driver.send("b")
    assert sorted(found) == ["a", "b"]


async def test_two_receivers_both_see_the_end() -> None:
    """The terminal event is for everyone who waits."""
    found: list[Any] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await send(CLOSE)

    async with opened(application) as (driver, _):

        async def take() -> None:
            found.append(await driver.receive(timeout=5))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            tasks.start_soon(take)
            await anyio.sleep(0)
            await driver.send("go")
    assert found == [Close(1000), Close(1000)]


async def test_drop_is_silent_and_once() -> None:
    """A vanished client is told of once, though the test closes later."""
    codes: list[int] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send(text("before"))
        codes.append((await receive())["code"])
        codes.append((await receive())["code"])

    async with opened(application) as (driver, _):
        await driver.drop(code=1001)
        await driver.drop(code=1006)
        await driver.settle(timeout=0.05)
        assert await driver.receive(timeout=0.05) == "before"
        await driver.close(code=1000, reason="", timeout=0.05)
    assert codes == [1001]


async def test_receiver_and_sender_may_be_other_tasks() -> None:
    """An application may receive and send in tasks of its own."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        async with anyio.create_task_group() as tasks:
            while (event := await receive())["type"] == "websocket.receive":
                tasks.start_soon(send, text(event["text"].upper()))

    async with opened(application) as (driver, _):
        for word in ("a", "b", "c"):
            await driver.send(word)
        found = {await driver.receive(timeout=5) for _ in range(3)}
    assert found == {"A", "B", "C"}
