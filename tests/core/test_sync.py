"""The twin for plain `def` tests."""

import asyncio
import inspect
import signal
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, assert_type

import anyio
import pytest

from tests.core.scripted import (
    ACCEPT,
    App,
    Receive,
    Scope,
    Send,
    closes_with,
    crashes_after,
    echo,
    goes_silent,
    refuses_with,
    says,
    text,
)
from tests.services import require_package
from wstest_core import (
    ApplicationCrashed,
    BaseMessage,
    ConnectionClosed,
    ConnectionRejected,
    NoMessage,
    PongMessage,
    SyncWebsocketCommunicator,
    UnexpectedMessage,
    UnreadMessages,
    UnreadMessagesWarning,
    WebsocketCommunicator,
    on_action,
    settings,
    virtual_clock,
)
from wstest_core.sync import connected

Backend = Literal["asyncio", "trio"]
BACKENDS: list[Backend] = ["asyncio", "trio"]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Every test of this module ends with the threads that it began with."""
    before = portals()
    yield
    assert portals() == before


def portals() -> set[threading.Thread]:
    """The threads alive but for workers, which stay a while after their loop."""
    others = ("Trio thread", "AnyIO worker thread")
    return {each for each in threading.enumerate() if not each.name.startswith(others)}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    name: Backend = request.param
    require_package(name)
    return name


def verbs(kind: type[object]) -> dict[str, Any]:
    """Everything public of a class, its constructor included."""
    return {
        name: value
        for ancestor in reversed(kind.__mro__[:-1])
        for name, value in vars(ancestor).items()
        if name in ("__init__", "receive_message") or not name.startswith("_")
        if callable(value) or isinstance(value, property)
    }


ASYNC = verbs(WebsocketCommunicator)
SYNC = verbs(SyncWebsocketCommunicator)


def signature(value: Any) -> str:
    """Names, kinds, defaults and annotations, as text: type variables differ."""
    if isinstance(value, property):
        value = value.fget
    found = inspect.signature(value)
    own = [each for each in found.parameters.values() if each.name != "backend"]
    return str(found.replace(parameters=own))


class TestTwins:
    """The two communicators cannot drift apart."""

    def test_same_verbs(self) -> None:
        """Each has what the other has; `consumer` is an attribute of one."""
        assert SYNC.keys() - {"consumer"} == ASYNC.keys()

    @pytest.mark.parametrize("name", sorted(ASYNC))
    def test_same_signature(self, name: str) -> None:
        """Each verb takes the same arguments and returns the same, unawaited."""
        assert signature(SYNC[name]) == signature(ASYNC[name])

    @pytest.mark.parametrize("name", ["__init__", "receive_message"])
    def test_same_overloads(self, name: str) -> None:
        """What depends on an argument's type does so in both."""
        ours, theirs = (typing.get_overloads(each[name]) for each in (SYNC, ASYNC))
        assert [*map(signature, ours)] == [*map(signature, theirs)] != []

    @pytest.mark.parametrize("name", sorted(ASYNC))
    def test_verbs_wait(self, name: str) -> None:
        """What is a coroutine function in one is a plain function in the other."""
        assert not inspect.iscoroutinefunction(SYNC[name])

    def test_own_argument(self) -> None:
        """Only the constructor has one more argument: the backend."""
        assert "backend" in inspect.signature(SYNC["__init__"]).parameters

    def test_looking(self) -> None:
        """What is looked at is the same thing."""
        made = SyncWebsocketCommunicator(echo, "/x", consumer=int, name="alice")
        assert made.consumer is int
        assert made.transcript.name == "alice"
        assert made.scope["path"] == "/x"
        assert (made.subprotocol, made.response_headers) == (None, [])
        assert (made.close_code, made.close_reason, made.exception) == (None,) * 3


class Ask(BaseMessage):
    action: Literal["ask"] = "ask"
    payload: int


class TestVerbs:
    """Each verb does what its twin does."""

    def test_frames_of_each_kind(self, backend: Backend) -> None:
        """What was sent comes back, on both libraries."""
        with SyncWebsocketCommunicator(echo, "/", backend=backend) as ws:
            turns: list[tuple[Any, Callable[[], object], object]] = [
                (ws.send_text, ws.receive_text, ""),
                (ws.send_text, ws.receive_from, "x"),
                (ws.send_bytes, ws.receive_bytes, b"\x00"),
                (ws.send_json, ws.receive_json, {"a": [1, None]}),
                (ws.send_json_to, ws.receive_json_from, []),
                (ws.send_message, ws.receive_message, "just JSON"),
            ]
            for verb, back, value in turns:
                verb(value)
                assert back() == value
            ws.send_to(bytes_data=b"y")
            assert ws.receive_output() == {"type": "websocket.send", "bytes": b"y"}

    def test_messages(self) -> None:
        """Models are sent, decoded, expected and typed."""
        made: SyncWebsocketCommunicator[Ask | PongMessage]
        made = SyncWebsocketCommunicator(echo, "/", messages=Ask | PongMessage)
        with made as ws:
            ws.send_message(Ask(payload=1))
            assert_type(ws.receive_message(), Ask | PongMessage)
            ws.send_message(Ask(payload=2))
            assert assert_type(ws.receive_message(Ask), Ask) == Ask(payload=2)
            ws.send_message(Ask(payload=3))
            assert ws.expect(Ask, payload=3) == Ask(payload=3)

    def test_collections(self) -> None:
        """Many are received until the stop, the completion or the silence."""
        said = ['{"action": "a"}', '{"action": "b"}', '{"action": "complete"}']
        a, b = {"action": "a"}, {"action": "b"}
        with SyncWebsocketCommunicator(says(*said * 3, "1"), "/") as ws:
            assert ws.receive_all_messages() == [a, b]
            assert ws.receive_until(on_action("b")) == [a, b]
            ws.skip()
            ws.settle()
            assert ws.receive_all_json() == [b, {"action": "complete"}, 1]

    def test_authentication(self) -> None:
        """The authentication message is received and checked."""
        message = '{"action": "authentication", "payload": ?}'.replace(
            "?", '{"status_code": 200, "status_text": "OK"}'
        )
        with SyncWebsocketCommunicator(says(message, message), "/") as ws:
            found = ws.wait_for_auth(send_authentication_message=True)
            assert found is not None
            assert found.payload.status_code == 200
            ws.assert_authenticated_status_ok()

    def test_closing(self) -> None:
        """The end is expected or looked at, with its code and reason."""
        with SyncWebsocketCommunicator(closes_with(4000, "bye"), "/") as ws:
            ws.expect_closed(4000, "bye")
            ws.assert_closed(4000)
            assert (ws.close_code, ws.close_reason) == (4000, "bye")

    def test_vanishing(self) -> None:
        """The application sees the code that the client drops with."""
        seen = list[int]()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send(ACCEPT)
            seen.append((await receive())["code"])

        with SyncWebsocketCommunicator(app, "/") as ws:
            ws.drop(1001)
        assert seen == [1001]

    def test_raw_events(self) -> None:
        """Raw ASGI events connect, talk and end."""
        ws = SyncWebsocketCommunicator(echo, "/")
        ws.send_input({"type": "websocket.connect"})
        assert ws.receive_output()["type"] == "websocket.accept"
        ws.send_input({"type": "websocket.receive", "text": "x"})
        assert ws.receive_output() == text("x")
        ws.disconnect()

    def test_refusal_of_a_raw_connect(self) -> None:
        """Nothing is open after it, and the refusal can be read."""
        ws = SyncWebsocketCommunicator(refuses_with(4003), "/")
        ws.send_input({"type": "websocket.connect"})
        assert connected() == frozenset()
        assert ws.receive_output() == {"type": "websocket.close", "code": 4003}

    def test_not_connected_says_with(self) -> None:
        """What to do is said in the words of a plain test."""
        with pytest.raises(RuntimeError, match="`with … as ws`, or call"):
            SyncWebsocketCommunicator(echo, "/").receive_json()

    def test_refusal(self) -> None:
        """A refused connection raises from `with`, and its body does not run."""
        with (
            pytest.raises(ConnectionRejected),
            SyncWebsocketCommunicator(refuses_with(4003), "/"),
        ):
            pytest.fail("the body ran")

    def test_connect_and_disconnect(self) -> None:
        """Without `with`, connect() tells and disconnect() ends."""
        ws = SyncWebsocketCommunicator(echo, "/")
        assert ws.connect() == (True, None)
        ws.disconnect()
        ws.disconnect()
        refused = SyncWebsocketCommunicator(refuses_with(4003), "/")
        assert refused.connect() == (False, 4003)

    def test_reading_after_the_end(self, backend: Backend) -> None:
        """What had arrived before disconnect() can be read after it."""
        ws = SyncWebsocketCommunicator(says("1", "2", "3"), "/", backend=backend)
        ws.connect()
        ws.disconnect()
        assert ws.receive_text() == "1"
        assert ws.receive_all_json() == [2, 3]
        ws.settle()
        with pytest.raises(ConnectionClosed):
            ws.receive_text()

    def test_unread(self) -> None:
        """Unread frames are reported as in the twin."""
        with (
            pytest.raises(UnreadMessages, match="1 frame not read"),
            SyncWebsocketCommunicator(says("1"), "/", unread="error"),
        ):
            pass
        with (
            pytest.warns(UnreadMessagesWarning),
            SyncWebsocketCommunicator(says("1"), "/", unread="warn"),
        ):
            pass
        with SyncWebsocketCommunicator(says("1"), "/", unread="error") as ws:
            ws.ignore_remaining()


class Group:
    """A group of connections, as a channel layer has them."""

    def __init__(self) -> None:
        self.members = list[Send]()

    async def member(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        self.members.append(send)
        while (event := await receive())["type"] == "websocket.receive":
            for member in self.members:
                await member(text(event["text"]))


class TestSilence:
    """What is proved in the twin is proved here."""

    def test_nothing_is_proved(self, backend: Backend) -> None:
        """The test's own thread does not stand in the way of a proof."""
        with SyncWebsocketCommunicator(echo, "/", backend=backend) as ws:
            assert ws.receive_nothing(timeout=1000)
            ws.expect_nothing(within=1000)
            with pytest.raises(NoMessage, match="nothing more can arrive"):
                ws.receive_text(timeout=1000)

    def test_an_answer_is_awaited(self, backend: Backend) -> None:
        """Something on its way from a thread or a timer is no silence."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send(ACCEPT)
            while (await receive())["type"] == "websocket.receive":
                await anyio.sleep(0.001)
                await anyio.to_thread.run_sync(int)
                await send(text("done"))

        with SyncWebsocketCommunicator(app, "/", backend=backend) as ws:
            for _ in range(20):
                ws.send_text("?")
                assert ws.receive_text(timeout=10) == "done"

    def test_eager_tasks(self) -> None:
        """An application that makes its loop's tasks eager blocks nobody."""
        if sys.version_info < (3, 12):
            pytest.skip("eager tasks came with Python 3.12")

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            loop = asyncio.get_running_loop()
            loop.set_task_factory(asyncio.eager_task_factory)
            await echo(scope, receive, send)

        with SyncWebsocketCommunicator(app, "/") as ws:
            ws.send_text("x")
            assert ws.receive_text() == "x"
            assert ws.receive_nothing(timeout=1000)

    def test_another_test_thread_may_send(self) -> None:
        """A thread that is between two verbs may cause anything: no proof then."""
        group, go_on = Group(), threading.Event()
        alice = SyncWebsocketCommunicator(group.member, "/", name="alice")
        bob = SyncWebsocketCommunicator(group.member, "/", name="bob")

        def bobs_test() -> None:
            with bob:
                go_on.wait(10)
                bob.send_text("hello")
                assert bob.receive_text() == "hello"

        # Bob's thread goes on only when alice has waited in vain for a moment.
        with ThreadPoolExecutor() as pool, alice:
            test = pool.submit(bobs_test)
            while bob.close_code is None and len(group.members) < 2:
                alice.settle(timeout=0.001)
            assert not go_on.is_set()
            threading.Timer(0.05, go_on.set).start()
            assert alice.receive_text(timeout=10) == "hello"
            test.result()

    @pytest.mark.wstest(virtual_clock=True)
    def test_virtual_clock(self) -> None:
        """The setting lets an application's hour pass at once."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send(ACCEPT)
            await asyncio.sleep(3600)
            await send(text("late"))
            await receive()

        with SyncWebsocketCommunicator(app, "/") as ws:
            ws.expect_nothing(within=3599)
            assert ws.receive_text(timeout=3601) == "late"


class TestLoop:
    """One loop for all, while there are any."""

    def test_broadcast(self, backend: Backend) -> None:
        """Several communicators share a loop: one hears what another causes."""
        group = Group()
        alice = SyncWebsocketCommunicator(group.member, "/", backend=backend)
        bob = SyncWebsocketCommunicator(group.member, "/", backend=backend)
        with alice, bob:
            alice.send_text("hello")
            assert (alice.receive_text(), bob.receive_text()) == ("hello", "hello")

    def test_ends_with_the_last(self) -> None:
        """The loop outlives the first to leave and ends with the last."""
        loops = set[asyncio.AbstractEventLoop]()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            loops.add(asyncio.get_running_loop())
            await echo(scope, receive, send)

        before = threading.active_count()
        first, second = (SyncWebsocketCommunicator(app, "/") for _ in range(2))
        first.connect()
        second.connect()
        assert threading.active_count() == before + 1
        first.disconnect()
        second.send_text("still here")
        assert second.receive_text() == "still here"
        second.disconnect()
        assert threading.active_count() == before
        (loop,) = loops
        assert loop.is_closed()

    def test_next_one_gets_a_new_loop(self) -> None:
        """After the last has ended the next one begins anew."""
        for _ in range(3):
            with SyncWebsocketCommunicator(echo, "/") as ws:
                ws.send_text("x")
                assert ws.receive_text() == "x"

    @pytest.mark.parametrize(
        "verb",
        [
            lambda ws: ws.receive_json(),
            lambda ws: ws.receive_message(),
            lambda ws: ws.send_text("x"),
            lambda ws: ws.settle(),
            lambda ws: ws.drop(),
            lambda ws: ws.receive_nothing(),
        ],
    )
    def test_never_connected(
        self,
        verb: Callable[[SyncWebsocketCommunicator], object],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Without a connection no thread is started, and verbs say what to do."""
        monkeypatch.setattr(threading.Thread, "start", None)
        ws = SyncWebsocketCommunicator(echo, "/", name="alice")
        with pytest.raises(RuntimeError, match="alice is not connected"):
            verb(ws)
        ws.disconnect()

    def test_second_connect(self) -> None:
        """Connecting twice is harmless, and one clear error after the end."""
        with SyncWebsocketCommunicator(echo, "/") as ws:
            assert ws.connect() == (True, None)
            ws.send_text("x")
            assert ws.receive_text() == "x"
        with pytest.raises(RuntimeError, match="has ended"):
            ws.connect()

    def test_unknown_backend(self) -> None:
        """A backend that there is not is one clear error, at once."""
        with pytest.raises(ValueError, match="there are 'asyncio' and 'trio'"):
            SyncWebsocketCommunicator(echo, "/", backend="curio")  # type: ignore[call-overload]


@pytest.mark.anyio
class TestInsideALoop:
    """In a coroutine there is another communicator to use."""

    @pytest.mark.parametrize(
        "verb",
        [
            lambda ws: ws.__enter__(),
            lambda ws: ws.connect(),
            lambda ws: ws.disconnect(),
            lambda ws: ws.receive_json(),
            lambda ws: ws.send_input({"type": "websocket.connect"}),
        ],
    )
    async def test_says_which(
        self, verb: Callable[[SyncWebsocketCommunicator], object]
    ) -> None:
        """Each verb refuses to block a running loop, and names what to use."""
        ws = SyncWebsocketCommunicator(echo, "/")
        with pytest.raises(RuntimeError, match="use WebsocketCommunicator with await"):
            verb(ws)


class Interrupt(BaseException):
    """Like KeyboardInterrupt, but pytest does not end the run for it."""


def interrupt(number: int, frame: object) -> None:
    raise Interrupt


async def sends_a_signal(scope: Scope, receive: Receive, send: Send) -> None:
    """Interrupts the test's thread when it is asked anything."""
    await receive()
    await send(ACCEPT)
    while (await receive())["type"] == "websocket.receive":
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        await anyio.sleep(1000)


class TestFailures:
    """Nothing is left hanging, whatever is raised."""

    def test_crash_that_was_looked_at(self, backend: Backend) -> None:
        """Reading `exception` is having seen the crash, here too."""
        with SyncWebsocketCommunicator(crashes_after(0), "/", backend=backend) as ws:
            assert isinstance(ws.exception, ValueError)

    def test_model_that_is_no_type(self, backend: Backend) -> None:
        """A value in the place of a type is refused, and nothing is taken."""
        with SyncWebsocketCommunicator(says("3"), "/", backend=backend) as ws:
            with pytest.raises(TypeError, match="expect takes a class or a type, not"):
                ws.expect({"type": "price"})  # type: ignore[arg-type]
            ws.skip()

    def test_crash(self) -> None:
        """What the application raised is raised here, chained."""
        error = ValueError("no")
        with SyncWebsocketCommunicator(crashes_after(1, error), "/") as ws:
            assert ws.receive_text() == "0"
            with pytest.raises(ApplicationCrashed) as crash:
                ws.receive_text()
        assert crash.value.__cause__ is ws.exception is error

    def test_crash_before_accept(self) -> None:
        """A connection that fails leaves nothing behind."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            raise ValueError("no")

        with pytest.raises(ApplicationCrashed):
            SyncWebsocketCommunicator(app, "/").connect()

    def test_no_answer(self, backend: Backend) -> None:
        """An application that never answers is ended, with its loop."""
        for connect in (
            SyncWebsocketCommunicator.connect,
            SyncWebsocketCommunicator.__enter__,
        ):
            ws = SyncWebsocketCommunicator(goes_silent, "/", backend=backend)
            with pytest.raises(NoMessage, match="no answer"):
                connect(ws)

    def test_error_in_the_test(self) -> None:
        """The test's own error passes, and the connection is ended."""
        with (
            pytest.raises(ZeroDivisionError),
            SyncWebsocketCommunicator(says("unread"), "/", unread="error"),
        ):
            raise ZeroDivisionError

    def test_wrong_use(self) -> None:
        """A refused argument leaves the socket usable."""
        with SyncWebsocketCommunicator(echo, "/") as ws:
            with pytest.raises(TypeError):
                ws.send_text(b"")  # type: ignore[arg-type]
            ws.send_text("x")
            with pytest.raises(UnexpectedMessage):
                ws.receive_bytes()

    @pytest.mark.skipif(sys.platform == "win32", reason="a lock there hears no signal")
    def test_interruption(self, backend: Backend) -> None:
        """A wait that is interrupted ends; the connection is closed as usual."""
        before = signal.signal(signal.SIGINT, interrupt)
        try:
            with SyncWebsocketCommunicator(sends_a_signal, "/", backend=backend) as ws:
                with pytest.raises(Interrupt):  # while it sends or receives
                    ws.send_text("go")
                    ws.receive_text(timeout=2000)
                ws.disconnect(timeout=0)
        finally:
            signal.signal(signal.SIGINT, before)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_loop_is_stopped(self, error: type[BaseException]) -> None:
        """What stops the loop from within comes out, and nothing hangs."""

        tasks = list[asyncio.Task[Any] | None]()

        async def stop(send: Send) -> None:
            tasks.append(asyncio.current_task())
            await asyncio.sleep(0.001)
            raise error

        with pytest.raises(error), SyncWebsocketCommunicator(says(then=stop), "/") as w:
            w.receive_text(timeout=10)
        (task,) = tasks
        assert task is not None
        assert isinstance(task.exception(), error)  # or asyncio logs it, much later


def test_debugger_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timeouts are off while the test's thread is traced, though the loop's is not."""

    def app() -> App:
        async def late(send: Send) -> None:
            await asyncio.sleep(5)
            await send(text("late"))

        return says(then=late)

    def tracer(*_: object) -> None:
        return None

    tracer.__module__ = "bdb"
    with settings.override(virtual_clock=True):
        with SyncWebsocketCommunicator(app(), "/") as ws, pytest.raises(NoMessage):
            ws.receive_text(timeout=1)
        monkeypatch.setattr(sys, "gettrace", gettrace_of_this_thread(tracer))
        with SyncWebsocketCommunicator(app(), "/") as ws:
            assert ws.receive_text(timeout=1) == "late"


def gettrace_of_this_thread(tracer: object) -> Callable[[], object]:
    """A stand-in for sys.gettrace, which answers for the calling thread."""
    here = threading.get_ident()
    return lambda: tracer if threading.get_ident() == here else None


async def sleeps_an_hour(send: Send) -> None:
    await asyncio.sleep(3600)
    await send(text("at last"))


def test_advice_for_a_plain_test() -> None:
    """A plain test is told of the mark, for it has no loop to make time jump in."""
    with SyncWebsocketCommunicator(says(then=sleeps_an_hour), "/") as ws:
        with pytest.raises(NoMessage) as failure:
            ws.receive_text()
        assert str(failure.value).endswith(
            ". Give it time with timeout=, or let time jump: "
            "@pytest.mark.wstest(virtual_clock=True)."
        )


@pytest.mark.wstest(virtual_clock=True)
def test_advice_for_a_plain_test_works() -> None:
    """With that mark a plain test waits for an hour at once."""
    with SyncWebsocketCommunicator(says(then=sleeps_an_hour), "/") as ws:
        assert ws.receive_text(timeout=3601) == "at last"


def test_no_virtual_clock_in_a_plain_test() -> None:
    """Without a loop `virtual_clock()` names what a plain test uses instead."""
    with pytest.raises(RuntimeError) as refusal, virtual_clock():
        pass
    assert str(refusal.value) == (
        "no event loop is running here: use virtual_clock() inside an async test; for "
        "a plain one, let time jump with @pytest.mark.wstest(virtual_clock=True), or "
        "--wstest-virtual-clock for a whole run"
    )
