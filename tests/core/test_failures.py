"""The whole text of each failure, as its reader sees it."""

import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import anyio
import pytest

from tests.backends import on
from tests.core.scripted import (
    ACCEPT,
    Receive,
    Scope,
    Send,
    closes_with,
    crashes_after,
    echo,
    refuses_with,
    returns_at_once,
    says,
    text,
)
from wstest_core import (
    BaseMessage,
    WebsocketCommunicator,
    WebSocketTestError,
    on_action,
)

pytestmark = [pytest.mark.anyio, on("asyncio")]

Communicator = WebsocketCommunicator[Any]


class Token(BaseMessage):
    action: Literal["token"] = "token"
    payload: Any = None


async def text_of(
    app: Any, verb: Callable[[Communicator], Awaitable[object]], **options: Any
) -> str:
    """The text of what a verb raises, without what differs from run to run."""
    ws = WebsocketCommunicator(app, "/", name="alice", **options)
    with pytest.raises(WebSocketTestError) as failure:
        async with ws:
            ws.ignore_remaining()
            await verb(ws)
    shown = re.sub(r"\d\.\d{3}s", "0.000s", str(failure.value))
    return re.sub(r"at \S*?(\w+\.py):\d+", r"at \1:0", shown)


async def test_nothing_came() -> None:
    """A proved silence says so at once, and what the application is doing."""
    found = await text_of(says('{"a":1}', "b" * 99), receives(3))
    assert (
        found
        == f"""\
no frame for alice: nothing more can arrive

3 entries
   0.000s <- accepted
   0.000s <- {{"a":1}}
   0.000s <- {"b" * 69}...

The application is waiting for input in app() at scripted.py:0."""
    )


def receives(count: int) -> Callable[[Communicator], Awaitable[object]]:
    async def verb(ws: Communicator) -> None:
        for _ in range(count):
            await ws.receive_text()

    return verb


async def test_a_stop_that_did_not_come() -> None:
    """A missing completion message names the way to do without it."""
    found = await text_of(
        says('{"action":"token"}'), lambda ws: ws.receive_until(on_action("complete"))
    )
    assert (
        found
        == """\
no action 'complete' for alice: nothing more can arrive

2 entries
   0.000s <- accepted
   0.000s <- {"action":"token"}

The application is waiting for input in app() at scripted.py:0. It has sent no \
completion message: stop on its last message instead, on_action("token"), or \
receive_all_messages()."""
    )


async def test_the_wait_ran_out() -> None:
    """A wait that was not provable says what stood in the way."""
    gate = threading.Event()

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        await anyio.to_thread.run_sync(gate.wait)

    async def verb(ws: Communicator) -> None:
        try:
            await ws.receive_text(timeout=0.05)
        finally:
            gate.set()

    found = await text_of(busy, verb, timeout=0.05)
    first, _, rest = found.partition("\n")
    assert re.fullmatch(
        r"no frame for alice: nothing arrived within 0\.05 s \(not provable sooner: "
        r"thread 'AnyIO worker thread' is alive, in run\(\) at _asyncio\.py:0\)",
        first,
    )
    assert rest.endswith(
        "The application is waiting for a thread in busy() at test_failures.py:0."
    )


async def test_closed() -> None:
    """A close gives code and reason."""
    found = await text_of(closes_with(4000, "enough"), receives(1))
    assert (
        found
        == """\
no frame for alice: closed by the application, code 4000 'enough'

2 entries
   0.000s <- accepted
   0.000s <- (closed by the application, code 4000 'enough')

The application has returned."""
    )


async def test_returned() -> None:
    """A return without close gives the browser's view."""
    found = await text_of(returns_at_once, receives(2))
    assert (
        found
        == """\
no frame for alice: the application returned without closing (a browser sees code 1006)

3 entries
   0.000s <- accepted
   0.000s <- bye
   0.000s <- (the application returned)

The application has returned."""
    )


async def test_refused() -> None:
    """A refusal gives the HTTP status, the code, and the browser's view."""
    found = await text_of(refuses_with(4001), receives(0))
    assert (
        found
        == """\
no connection for alice: refused by the application: HTTP 403, close code 4001 (a \
browser sees close code 1006)

1 entry
   0.000s <- (refused by the application: HTTP 403, close code 4001)

The application has returned."""
    )


async def test_crashed() -> None:
    """A crash names what was raised; the traceback is chained."""
    found = await text_of(crashes_after(0), receives(1))
    assert (
        found
        == """\
no frame for alice: the application raised ValueError('no more')

2 entries
   0.000s <- accepted
   0.000s <- (the application raised ValueError('no more'))

The application raised ValueError('no more'). A test that wants this expects \
ApplicationCrashed, and finds it in its `error`."""
    )


async def test_broke_asgi() -> None:
    """An illegal event names the event and the rule."""

    async def twice(send: Send) -> None:
        await send(ACCEPT)

    found = await text_of(says(then=twice), receives(1))
    rule = (
        "'websocket.accept': after accept only websocket.send or websocket.close "
        "may be sent"
    )
    assert found.startswith("no frame for alice: the application raised IllegalAsgi")
    assert rule in found


async def test_broke_asgi_and_hid_it() -> None:
    """An illegal event that the application swallowed is told with the silence."""

    async def hidden(send: Send) -> None:
        try:
            await send({"type": "websocket.send"})
        except RuntimeError:
            return

    found = await text_of(says(then=hidden), receives(1))
    assert found.endswith(
        "It sent what ASGI forbids: 'websocket.send': exactly one of 'text' and "
        "'bytes' is given, not neither."
    )


async def test_differs() -> None:
    """A message that is not as expected shows each field that differs."""
    found = await text_of(
        says('{"action":"token","payload":1}'),
        lambda ws: ws.expect(Token, payload=2),
        messages=Token,
    )
    assert found.startswith("""\
no Token as expected for alice: it differs
  payload: expected 2, found 1

2 entries
""")


async def test_only_the_last_entries() -> None:
    """A long conversation is cut to its last ten entries."""
    found = await text_of(says(*map(str, range(20))), receives(21))
    assert "\n21 entries (the last 10)\n   0.000s <- 10\n" in found


async def test_told_to_a_silent_partner() -> None:
    """What was sent is in the text too, with its arrow."""

    async def verb(ws: Communicator) -> None:
        await ws.send_json({"a": 1})
        await ws.receive_text()
        await ws.receive_text()

    found = await text_of(echo, verb)
    assert '   0.000s -> {"a":1}\n   0.000s <- {"a":1}\n' in found


async def test_still_sleeping() -> None:
    """An application that answers too late is said to be sleeping, and where."""

    async def sleepy(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        await anyio.sleep(3600)
        await send(text("at last"))

    ws = WebsocketCommunicator(sleepy, "/", name="alice", timeout=0.05)
    await ws.connect()
    with pytest.raises(WebSocketTestError) as failure:
        await ws.receive_text()
    shown = str(failure.value)
    assert re.match(r"no frame for alice: nothing can arrive for another 3,[56]", shown)
    assert "The application is sleeping in sleepy() at" in shown
    assert shown.endswith("with timeout=, or let time jump: virtual_clock().")
    await ws.disconnect()
