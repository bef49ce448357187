"""Opening and ending a connection."""

import warnings
from typing import Any

import anyio
import pytest

from tests.core.scripted import (
    ACCEPT,
    Receive,
    Scope,
    Send,
    closes_with,
    crashes_after,
    echo,
    goes_silent,
    refuses_with,
    returns_at_once,
    says,
    text,
)
from wstest_core import (
    ApplicationCrashed,
    AsgiDriver,
    ConnectionClosed,
    ConnectionRejected,
    JsonCodec,
    LingeringApplicationWarning,
    NoMessage,
    TextCodec,
    UnreadMessages,
    UnreadMessagesWarning,
    WebsocketCommunicator,
)

pytestmark = pytest.mark.anyio


async def test_connect_tells_the_subprotocol() -> None:
    """An accepted connection is (True, the subprotocol the application chose)."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**ACCEPT, "subprotocol": scope["subprotocols"][1]})
        await receive()
        await receive()

    ws = WebsocketCommunicator(app, "/", subprotocols=["a", "b"])
    assert await ws.connect() == (True, "b")
    assert ws.subprotocol == "b"
    await ws.disconnect()


async def test_connect_tells_the_close_code() -> None:
    """A refused connection is (False, the close code), as in Channels."""
    ws = WebsocketCommunicator(refuses_with(4003), "/")
    assert await ws.connect() == (False, 4003)
    assert ws.close_code == 1006, "which is what a browser sees"


async def test_connect_waits_for_what_follows_the_accept() -> None:
    """What the application does after accepting has happened when connect returns."""
    joined: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        await anyio.to_thread.run_sync(joined.append, "group")
        await send(text("welcome"))
        await receive()

    async with WebsocketCommunicator(app, "/") as ws:
        assert joined == ["group"]
        assert await ws.receive_text() == "welcome"


async def test_connect_does_not_wait_for_time_to_pass() -> None:
    """An application that accepts and then sleeps has finished connecting."""
    ready = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await anyio.sleep(3600)
        ready.set()

    ws = WebsocketCommunicator(app, "/", timeout=0.05)
    assert await ws.connect() == (True, None)
    assert not ready.is_set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await ws.disconnect()


async def test_an_unanswered_connection_is_no_message() -> None:
    """An application that can never answer is told at once; it is a TimeoutError."""
    ws = WebsocketCommunicator(goes_silent, "/")
    with pytest.raises(NoMessage, match="no answer to the connection") as failure:
        await ws.connect(timeout=0.05)
    assert isinstance(failure.value, TimeoutError)
    await ws.disconnect()


async def test_a_refusal_does_not_run_the_body() -> None:
    """`async with` on a refused connection raises, with all that is known."""
    with pytest.raises(ConnectionRejected) as failure:
        async with WebsocketCommunicator(refuses_with(4001), "/"):
            pytest.fail("the body must not run")
    assert (failure.value.code, failure.value.status) == (4001, 403)
    assert failure.value.browser_code == 1006


async def test_a_denial_response_is_reported_whole() -> None:
    """Status, headers and body of a denial response are on the error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "websocket.http.response.start",
                "status": 401,
                "headers": [(b"www-authenticate", b"Bearer")],
            }
        )
        for part, more in ((b"go ", True), (b"away", False)):
            body = {"body": part, "more_body": more}
            await send({"type": "websocket.http.response.body", **body})

    with pytest.raises(ConnectionRejected, match=r"HTTP 401 b'go away'") as failure:
        async with WebsocketCommunicator(app, "/"):
            pytest.fail("the body must not run")
    assert failure.value.code is None
    assert failure.value.headers == ((b"www-authenticate", b"Bearer"),)
    assert failure.value.body == b"go away"


async def test_a_crash_before_accept_is_raised_by_connect() -> None:
    """What the application raises before it accepts is chained to the failure."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("room")

    ws = WebsocketCommunicator(app, "/")
    with pytest.raises(ApplicationCrashed, match="KeyError") as failure:
        await ws.connect()
    assert failure.value.error is failure.value.__cause__ is ws.exception


async def test_a_return_before_accept_is_a_refusal() -> None:
    """A server answers an application that returns without a word with HTTP 500."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        return None

    ws = WebsocketCommunicator(app, "/")
    assert await ws.connect() == (False, 1006)


async def test_connecting_again_is_harmless() -> None:
    """connect() within a block, as chanx's guide has it, gives the same answer."""
    async with WebsocketCommunicator(echo, "/") as ws:
        assert await ws.connect() == (True, None)
        await ws.send_text("still here")
        assert await ws.receive_text() == "still here"


async def test_one_communicator_is_one_connection() -> None:
    """Connecting after the end is one clear error, however it is done."""
    ws = WebsocketCommunicator(echo, "/")
    await ws.connect()
    await ws.disconnect()
    with pytest.raises(RuntimeError, match="the connection of client has ended"):
        await ws.connect()
    with pytest.raises(RuntimeError, match="make another for the next"):
        async with ws:
            pytest.fail("the body must not run")


async def test_not_connected_says_async_with() -> None:
    """What to do is said in the words of a coroutine."""
    with pytest.raises(RuntimeError, match="`async with … as ws`, or await"):
        await WebsocketCommunicator(echo, "/").receive_json()


async def test_connecting_again_without_an_answer() -> None:
    """After a connect that nobody answered the next says so, and not that it ended."""
    ws = WebsocketCommunicator(goes_silent, "/")
    with pytest.raises(NoMessage):
        await ws.connect(timeout=0)
    with pytest.raises(RuntimeError, match="the connection of client was not answered"):
        await ws.connect()
    await ws.disconnect()


async def test_what_was_sent_is_dealt_with_before_the_goodbye() -> None:
    """A client that leaves has been heard: its last message is not cut short."""
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        while (event := await receive())["type"] == "websocket.receive":
            await send(text("begun"))
            await anyio.to_thread.run_sync(done.append, event["text"])
            await send(text("done"))
            done.append("all")

    ws = WebsocketCommunicator(app, "/")
    await ws.connect()
    await ws.send_text("a")
    await ws.send_text("b")
    await ws.disconnect()
    assert done == ["a", "all", "b", "all"]
    assert ws.transcript.unread == 2 * ["begun", "done"]


async def test_goodbye_does_not_wait_for_time_to_pass() -> None:
    """Of an application that sleeps within a message, leaving waits for no end."""
    stages: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        stages.append("begun")
        with anyio.move_on_after(3600):
            stages.append((await receive())["type"])

    async with WebsocketCommunicator(app, "/") as ws:
        await ws.send_text("a")
    assert stages == ["begun", "websocket.disconnect"]


async def test_reply_to_the_last_message_is_unread() -> None:
    """A test that leaves without its answer is told so."""
    with pytest.raises(UnreadMessages, match="1 frame not read"):
        async with WebsocketCommunicator(echo, "/", unread="error") as ws:
            await ws.send_text("hello")


async def test_vanishing_client_leaves_the_application_alone_with_its_message() -> None:
    """To one that drops, nothing can be sent, though it has asked for it."""
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        heard.append((await receive())["text"])
        await send(text("never"))

    async with WebsocketCommunicator(app, "/") as ws:
        await ws.send_text("a")
        await ws.drop()
    assert heard == ["a"]
    assert ws.transcript.unread == []


async def test_disconnecting_twice_or_unconnected_is_harmless() -> None:
    """disconnect() does nothing when there is nothing to disconnect."""
    ws = WebsocketCommunicator(echo, "/")
    await ws.disconnect()
    await ws.connect()
    await ws.disconnect()
    await ws.disconnect()


async def test_verbs_before_connecting_say_so() -> None:
    """Sending or receiving before connecting is a RuntimeError that names the way."""
    ws = WebsocketCommunicator(echo, "/", name="alice")
    for verb in (ws.send_json, ws.receive_json, ws.drop, ws.settle, ws.receive_nothing):
        with pytest.raises(RuntimeError, match="alice is not connected: use"):
            await verb(1)


async def test_the_application_sees_code_and_reason() -> None:
    """disconnect(code, reason) reaches the application as ASGI says."""
    seen: list[dict[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while not seen or seen[-1]["type"] != "websocket.disconnect":
            seen.append(await receive())

    async with WebsocketCommunicator(app, "/") as ws:
        await ws.disconnect(4000, reason="done")
    assert seen[-1] == {"type": "websocket.disconnect", "code": 4000, "reason": "done"}
    assert (ws.close_code, ws.close_reason) == (4000, "done")


async def test_after_the_application_closed() -> None:
    """A close carries code and reason; sending and receiving say the same of it."""
    async with WebsocketCommunicator(
        closes_with(4009, "full", "last words"), "/"
    ) as ws:
        assert await ws.receive_text() == "last words"
        for verb in (ws.receive_json(), ws.send_text("?"), ws.receive_message()):
            with pytest.raises(ConnectionClosed, match="code 4009 'full'") as failure:
                await verb
            assert (failure.value.code, failure.value.reason) == (4009, "full")
        assert (ws.close_code, ws.close_reason) == (4009, "full")


async def test_a_return_without_close_is_1006() -> None:
    """Frames before a silent return are readable; then a browser sees 1006."""
    async with WebsocketCommunicator(returns_at_once, "/") as ws:
        assert ws.close_code == 1006
        assert await ws.receive_text() == "bye"
        await ws.expect_closed(1006, "")


async def test_frames_before_a_crash_come_first() -> None:
    """A crash is raised after everything that was sent before it."""
    async with WebsocketCommunicator(crashes_after(2), "/") as ws:
        assert [await ws.receive_text() for _ in range(2)] == ["0", "1"]
        with pytest.raises(ApplicationCrashed, match="ValueError"):
            await ws.receive_text()


async def test_a_crash_that_no_test_saw_is_raised_at_the_end() -> None:
    """Leaving the block raises what the application raised, once."""
    with pytest.raises(ApplicationCrashed) as failure:
        async with WebsocketCommunicator(crashes_after(0), "/"):
            pass
    assert isinstance(failure.value.__cause__, ValueError)


async def test_a_crash_that_the_test_has_looked_at_is_not_raised() -> None:
    """Reading `exception` is having seen the crash."""
    async with WebsocketCommunicator(crashes_after(0), "/") as ws:
        assert isinstance(ws.exception, ValueError)


async def test_a_crash_after_the_close_can_be_looked_at() -> None:
    """An application that closes and then raises passes a test that wants both."""
    ends = closes_with(1003)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await ends(scope, receive, send)
        raise RuntimeError("a wrong frame")

    async with WebsocketCommunicator(app, "/") as ws:
        await ws.expect_closed(code=1003)
        assert isinstance(ws.exception, RuntimeError)
    with pytest.raises(ApplicationCrashed, match="a wrong frame"):
        async with WebsocketCommunicator(app, "/") as unseen:
            await unseen.expect_closed(code=1003)


async def test_looking_before_the_crash_is_not_seeing_it() -> None:
    """`exception` was None when it was read, so the crash is still raised."""
    with pytest.raises(ApplicationCrashed):
        async with WebsocketCommunicator(on_demand, "/") as ws:
            assert ws.exception is None
            await ws.send_text("now")


async def on_demand(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    await receive()
    raise ValueError("as asked")


async def test_an_extension_is_taken_away() -> None:
    """None takes an extension out of the scope; others are added."""
    ws = WebsocketCommunicator(echo, "/", extensions={"x": {}})
    assert ws.scope["extensions"] == {"websocket.http.response": {}, "x": {}}
    without = {"websocket.http.response": None}
    ws = WebsocketCommunicator(echo, "/", extensions=without)
    assert ws.scope["extensions"] == {}


async def test_a_crash_does_not_replace_the_tests_own_error() -> None:
    """The body's error stays, and gets a note about the crash."""
    with pytest.raises(ZeroDivisionError) as failure:
        async with WebsocketCommunicator(crashes_after(0), "/"):
            raise ZeroDivisionError
    (note,) = failure.value.__notes__
    assert "ValueError('no more')" in note


async def test_a_crash_after_the_goodbye_is_raised() -> None:
    """An error while the application handles the disconnect is a crash too."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        raise LookupError("left group twice")

    with pytest.raises(ApplicationCrashed, match="left group twice"):
        async with WebsocketCommunicator(app, "/"):
            pass


async def test_an_escaping_websocket_disconnect_is_no_crash() -> None:
    """Servers think nothing of a WebSocketDisconnect that says the client left."""

    class WebSocketDisconnect(Exception):
        pass

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        raise ExceptionGroup("tasks", [WebSocketDisconnect(1000)])

    async with WebsocketCommunicator(app, "/") as ws:
        pass
    assert ws.exception is None


async def test_an_application_that_does_not_end_is_stopped_and_named() -> None:
    """An application that saw the disconnect and goes on is stopped, and named."""
    stopped: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        await receive()
        try:
            await anyio.sleep_forever()
        except BaseException as error:
            stopped.append(type(error).__name__)
            raise

    ws = WebsocketCommunicator(app, "/")
    await ws.connect()
    with pytest.warns(
        LingeringApplicationWarning,
        match=r"did not end when client left: it was [\w ]+ in app\(\) at",
    ):
        await ws.disconnect(timeout=0.05)
    assert stopped in (["CancelledError"], ["Cancelled"])


async def test_unread_frames_warn_by_default() -> None:
    """Frames that no test read are reported when the block ends well."""
    with pytest.warns(UnreadMessagesWarning, match="2 frames not read for client: 'a'"):
        async with WebsocketCommunicator(says("a", "b"), "/"):
            pass


async def test_unread_frames_can_be_errors() -> None:
    """unread="error" raises, and carries the frames."""
    with pytest.raises(UnreadMessages, match="1 frame not read") as failure:
        async with WebsocketCommunicator(says("a", "b"), "/", unread="error") as ws:
            assert await ws.receive_text() == "a"
    assert failure.value.messages == ["b"]


async def test_unread_frames_can_be_ignored() -> None:
    """unread="ignore" and ignore_remaining() say nothing."""
    async with WebsocketCommunicator(says("a"), "/", unread="ignore"):
        pass
    async with WebsocketCommunicator(says("a"), "/", unread="error") as ws:
        ws.ignore_remaining()


async def test_completion_frames_may_stay_unread() -> None:
    """Completion messages are nobody's to read."""
    done = '{"action":"complete","payload":null}'
    async with WebsocketCommunicator(says(done), "/", unread="error"):
        pass


async def test_a_failed_test_is_not_told_of_unread_frames() -> None:
    """The body's error is the whole story."""
    with pytest.raises(ZeroDivisionError):
        async with WebsocketCommunicator(says("a"), "/", unread="error"):
            raise ZeroDivisionError


async def test_a_dropped_client_says_no_goodbye() -> None:
    """drop() looks like 1006 to both sides, and later sends raise OSError."""
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        seen.append((await receive())["code"])
        try:
            await send(text("are you there?"))
        except OSError as error:
            seen.append(type(error).__name__)

    async with WebsocketCommunicator(app, "/") as ws:
        await ws.drop()
        await ws.settle()
        assert seen == [1006, "ClientDisconnected"]
        assert ws.close_code == 1006
        with pytest.raises(ConnectionClosed):
            await ws.send_text("?")


async def test_a_given_driver_is_used() -> None:
    """A Driver may stand where an application does."""
    async with WebsocketCommunicator(AsgiDriver(echo), "/") as ws:
        await ws.send_text("hi")
        assert await ws.receive_text() == "hi"


async def test_what_is_put_into_the_scope_reaches_the_application() -> None:
    """scope can be changed before connecting, as Channels' users do."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await send(text(f"{scope['user']} {scope['state']} {scope['client']}"))
        await receive()
        await receive()

    ws = WebsocketCommunicator(app, "/", state={"db": 1}, client=("10.0.0.1", 1))
    ws.scope["user"] = "alice"
    async with ws:
        assert await ws.receive_text() == "alice {'db': 1} ('10.0.0.1', 1)"


async def test_raw_events_as_in_asgiref() -> None:
    """send_input and receive_output speak ASGI, for tests written so."""
    ws = WebsocketCommunicator(echo, "/")
    await ws.send_input({"type": "websocket.connect"})
    assert (await ws.receive_output())["type"] == "websocket.accept"
    await ws.send_input({"type": "websocket.receive", "bytes": b"x"})
    assert await ws.receive_output() == {"type": "websocket.send", "bytes": b"x"}
    await ws.send_input({"type": "websocket.disconnect", "code": 1001})
    await ws.disconnect()
    with pytest.raises(ValueError, match="no client causes"):
        await ws.send_input({"type": "http.request"})


async def test_raw_closes_as_in_asgiref() -> None:
    """receive_output shows the application's close."""
    ws = WebsocketCommunicator(closes_with(4000, "x"), "/")
    await ws.connect()
    event = {"type": "websocket.close", "code": 4000, "reason": "x"}
    assert await ws.receive_output() == event
    await ws.disconnect()


async def test_a_refusal_may_say_anything() -> None:
    """FastAPI refuses bad parameters with a list as the reason, which no one sends."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        reason = [{"type": "missing", "loc": ["query", "token"]}]
        await send({"type": "websocket.close", "code": 1008, "reason": reason})

    assert await WebsocketCommunicator(app, "/").connect() == (False, 1008)


async def test_a_refused_connection_can_be_asserted_on() -> None:
    """assert_closed() knows the code of the refusal, and what a browser sees."""
    ws = WebsocketCommunicator(refuses_with(4003), "/")
    await ws.connect()
    await ws.assert_closed(4003)
    await ws.assert_closed(1006)
    with pytest.raises(AssertionError, match="refused with 4003, and a browser"):
        await ws.assert_closed(4004)
    with pytest.raises(ConnectionRejected, match="no frame for client: refused"):
        await ws.receive_text()


async def test_connecting_by_hand_and_by_block() -> None:
    """A block around a connected communicator takes the connection over."""
    ws = WebsocketCommunicator(echo, "/")
    await ws.connect()
    async with ws:
        await ws.send_text("still here")
        assert await ws.receive_text() == "still here"
    assert ws.close_code == 1000
    await ws.wait()


async def test_settling_after_the_end_takes_no_time() -> None:
    """settle() on a connection that was given back returns."""
    ws = WebsocketCommunicator(echo, "/")
    await ws.connect()
    await ws.disconnect()
    await ws.settle(timeout=3600)
    assert await ws.receive_nothing()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"unread": "errors"}, ValueError, "give 'warn', 'error' or 'ignore'"),
        ({"timeout": -1}, ValueError, "give seconds, 0 or more"),
        ({"timeout": "1"}, TypeError, "give seconds, as a number"),
        ({"messages": int, "codec": JsonCodec()}, TypeError, "not both"),
        (
            {"messages": {"type": "price"}},
            TypeError,
            "ModelCodec takes a model, a union",
        ),
        ({"headers": [(1, "x")]}, TypeError, "is not a header"),
        (
            {"headers": "Bearer x"},
            TypeError,
            "is one str: give a dict, {'authorization': 'Bearer x'}, or pairs$",
        ),
        ({"headers": b"x"}, TypeError, "^headers=b'x' is one bytes: give a dict, "),
        (
            {"codec": TextCodec},
            TypeError,
            r"^codec=TextCodec is a class: give an instance, TextCodec\(\)$",
        ),
        ({"subprotocols": "chat"}, TypeError, "give a list"),
    ],
)
async def test_bad_arguments(options: Any, error: type[Exception], text: str) -> None:
    """A bad argument is one clear error, where it is given."""
    with pytest.raises(error, match=text):
        WebsocketCommunicator(echo, "/", **options)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("chat/", "start it with '/', as in '/chat/'"),
        ("http://localhost/chat", "is no path of a WebSocket"),
        ("/chat#top", "has a fragment"),
    ],
)
async def test_bad_paths(path: str, text: str) -> None:
    """A path that no client could ask for says what a good one is."""
    with pytest.raises(ValueError, match=text):
        WebsocketCommunicator(echo, path)
    with pytest.raises(TypeError, match="Expected str, got <class 'bytes'>"):
        WebsocketCommunicator(echo, b"/chat")  # type: ignore[call-overload]


async def test_wait_lets_the_application_end_by_itself() -> None:
    """asgiref's wait(): what ends by itself is not told to, and its crash is raised."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        with anyio.move_on_after(0.01):
            seen.append((await receive())["type"])
        seen.append("by itself")
        if scope["path"] == "/crash":
            raise LookupError("as it ends")

    ws = WebsocketCommunicator(app, "/")
    await ws.connect()
    assert await ws.wait(timeout=1)
    assert seen == ["by itself"]
    ws = WebsocketCommunicator(app, "/crash")
    await ws.connect()
    with pytest.raises(ApplicationCrashed, match="as it ends"):
        await ws.wait(timeout=1)


async def test_wait_ends_an_application_that_goes_on() -> None:
    """asgiref's wait(): what does not end is made to, and nothing is raised."""
    ws = WebsocketCommunicator(echo, "/")
    await ws.connect()
    assert not await ws.wait(timeout=0.05)
    assert (ws.close_code, ws.exception) == (1006, None)


async def test_wait_after_a_raw_disconnect() -> None:
    """asgiref's way to say goodbye: the event, and then wait()."""
    ws = WebsocketCommunicator(echo, "/")
    await ws.connect()
    await ws.send_input({"type": "websocket.disconnect", "code": 1001})
    assert await ws.wait(timeout=1)
    assert await WebsocketCommunicator(echo, "/").wait(), "nothing was begun"


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("future", "exception what was raised, and wait() ends it"),
        ("output_queue", "receive_nothing() tells whether something has come"),
        ("input_queue", "transcript has what was sent"),
        ("stop", "disconnect() ends it"),
        ("application", "what it raised is exception"),
    ],
)
async def test_what_asgiref_has_is_elsewhere(name: str, instead: str) -> None:
    """Attributes of asgiref's are not there, and the error says what is."""
    with pytest.raises(AttributeError) as missing:
        getattr(WebsocketCommunicator(echo, "/"), name)
    assert instead in str(missing.value)
    assert not hasattr(WebsocketCommunicator(echo, "/"), "anything_else")
