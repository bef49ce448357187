"""The whole text of each failure, as its reader sees it."""

import asyncio
import functools
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
    on_count,
    virtual_clock,
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
    return normal(str(failure.value))


def normal(shown: str) -> str:
    shown = re.sub(r"\d\.\d{3}s", "0.000s", shown)
    shown = re.sub(r"another [\d,.]+ s", "another 0 s", shown)
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


# --- what only time would bring


def close_later() -> None:
    return


async def sleeps() -> None:
    await asyncio.sleep(30)


async def has_a_timeout() -> None:
    async with asyncio.timeout(30):
        await asyncio.Event().wait()


async def waits_for() -> None:
    await asyncio.wait_for(asyncio.Event().wait(), 30)


async def waits() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await asyncio.wait([future], timeout=30)


async def has_a_scope() -> None:
    with anyio.move_on_after(30):
        await anyio.Event().wait()


async def is_woken() -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_later(30, future.set_result, None)
    await future


async def is_cancelled() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(30, task.cancel)
    await asyncio.Event().wait()


async def text_beside(main: Callable[[], Any], app: Any = echo) -> str:
    """The text of a failure while something else of the application waits."""
    task = asyncio.create_task(main())
    await asyncio.sleep(0)
    try:
        return await text_of(app, receives(1))
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize(
    "main",
    [sleeps, has_a_timeout, waits_for, waits, has_a_scope, is_woken, is_cancelled],
)
async def test_timer_of_a_task_is_named(main: Callable[[], Any]) -> None:
    """If only an unrelated task's timer is due, the text says which task that is."""
    assert (
        await text_beside(main)
        == f"""\
no frame for alice: nothing can arrive for another 0 s

1 entry
   0.000s <- accepted

The application is waiting for input in echo() at scripted.py:0. The next thing that \
can happen is in {main.__name__}() at test_failures.py:0. If that is what you wait \
for, give it time with timeout=, or let time jump: virtual_clock()."""
    )


@pytest.mark.parametrize("callback", [close_later, functools.partial(close_later)])
async def test_timer_of_a_function_is_named(callback: Callable[[], None]) -> None:
    """If only a function is to be called, the text says which one."""
    timer = asyncio.get_running_loop().call_later(30, callback)
    found = await text_of(echo, receives(1))
    timer.cancel()
    assert found.endswith(
        "The next thing that can happen is in close_later() at test_failures.py:0. If "
        "that is what you wait for, give it time with timeout=, or let time jump: "
        "virtual_clock()."
    )


async def test_timer_without_a_name() -> None:
    """A timer that calls something of Python's own has no place to tell."""
    timer = asyncio.get_running_loop().call_later(30, asyncio.Event().set)
    found = await text_of(echo, receives(1))
    timer.cancel()
    assert found.endswith(
        "The application is waiting for input in echo() at scripted.py:0. If what you "
        "wait for comes later, give it time with timeout=, or let time jump: "
        "virtual_clock()."
    )


async def test_nearest_timer_counts() -> None:
    """What is cancelled or later, and the test's own timeout, are not named."""
    loop = asyncio.get_running_loop()
    loop.call_later(10, close_later).cancel()
    later = loop.call_later(40, close_later)
    async with asyncio.timeout(20):
        found = await text_beside(sleeps)
    later.cancel()
    assert "The next thing that can happen is in sleeps() at" in found


async def test_timer_and_no_completion() -> None:
    """What time would bring stands behind the way to do without a completion."""
    timer = asyncio.get_running_loop().call_later(30, close_later)
    found = await text_of(
        says('{"action":"token"}'), lambda ws: ws.receive_until(on_action("complete"))
    )
    timer.cancel()
    assert found.endswith(
        'on_action("token"), or receive_all_messages(). The next thing that can happen '
        "is in close_later() at test_failures.py:0. If that is what you wait for, give "
        "it time with timeout=, or let time jump: virtual_clock()."
    )


async def sleeps_long(send: Send) -> None:
    await asyncio.sleep(30)


async def test_time_jumps_already() -> None:
    """With a virtual clock the text says how much of its time the wait allows."""
    with virtual_clock():
        found = await text_of(says(then=sleeps_long), receives(1), timeout=2)
        beside = await text_beside(sleeps)
    assert (
        found
        == """\
no frame for alice: nothing can arrive for another 0 s

1 entry
   0.000s <- accepted

The application is sleeping in sleeps_long() at test_failures.py:0. Give it more \
than 2 s with timeout=: time jumps already."""
    )
    assert beside.endswith(
        "If that is what you wait for, give it more than 1 s with timeout=: time jumps "
        "already."
    )


# --- collections


async def streams(send: Send) -> None:
    for number in range(100):
        await send(text(f'{{"type":"n","n":{number}}}'))
        await asyncio.sleep(0.2)


async def test_time_of_a_collection_is_over() -> None:
    """In the midst of a stream the text says which time it is that is too short."""
    stop = on_action("end", field="type")
    with virtual_clock():
        found = await text_of(
            says(then=streams), lambda ws: ws.receive_until(stop, timeout=0.5)
        )
    first, _, rest = found.partition("\n")
    assert first == (
        "no type 'end' for alice: nothing can arrive for another 0 s, and the 0.5 s "
        "for the whole collection end before that"
    )
    assert rest.endswith(
        "The application is sleeping in streams() at test_failures.py:0. Give it more "
        "than 0.5 s with timeout=: time jumps already."
    )


async def test_collection_is_not_proved() -> None:
    """Without a proof it does not say that nothing has come, for something has."""
    gate = threading.Event()

    async def busy(send: Send) -> None:
        await anyio.to_thread.run_sync(gate.wait)

    async def verb(ws: Communicator) -> None:
        try:
            await ws.receive_until(on_count(2), timeout=0.05)
        finally:
            gate.set()

    found = await text_of(says('{"action":"a"}', then=busy), verb)
    assert found.startswith(
        "no 2 messages for alice: it did not come within the 0.05 s for the whole "
        "collection (not provable sooner: thread 'AnyIO worker thread' is alive, "
    )


# --- completion messages

COMPLETE, GROUP = '{"action":"complete"}', '{"action":"group_complete"}'


@pytest.mark.parametrize(
    "verb",
    [
        lambda ws: ws.receive_message(),
        lambda ws: ws.skip(),
        lambda ws: ws.receive_until(on_count(1)),
        lambda ws: ws.expect_closed(),
    ],
)
async def test_completion_was_passed_over(
    verb: Callable[[Communicator], Awaitable[object]],
) -> None:
    """A completion message that did not count is told of, with what would take it."""
    found = await text_of(says(COMPLETE), verb)
    _, _, rest = found.partition(" for alice: ")
    assert (
        rest
        == """\
nothing more can arrive

2 entries
   0.000s <- accepted
   0.000s <- {"action":"complete"}

The application is waiting for input in app() at scripted.py:0. 1 completion message \
was passed over: 'complete'. receive_json() reads it as any other frame."""
    )


async def test_several_were_passed_over() -> None:
    """Of many completion messages each kind is named once."""
    found = await text_of(
        says(COMPLETE, GROUP, COMPLETE), lambda ws: ws.receive_message()
    )
    assert found.endswith(
        "3 completion messages were passed over: 'complete', 'group_complete'. "
        "receive_json() reads them as any other frame."
    )


async def test_passed_over_and_sleeping() -> None:
    """What was passed over does not hide what time would bring."""
    found = await text_of(
        says(COMPLETE, then=sleeps_long), lambda ws: ws.receive_message()
    )
    assert found.endswith(
        "receive_json() reads it as any other frame. Give it time with timeout=, or "
        "let time jump: virtual_clock()."
    )


async def test_receive_json_reads_a_completion() -> None:
    """What the text advises works."""
    async with WebsocketCommunicator(says(COMPLETE), "/") as ws:
        assert await ws.receive_json() == {"action": "complete"}
