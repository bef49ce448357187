"""Several tasks of a test that read one connection, and waits that are cut short."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from tests.backends import on
from tests.core.scripted import Receive, Scope, Send, answers, says
from wstest_core import (
    NoMessage,
    UndecodableFrame,
    WebsocketCommunicator,
    on_action,
    on_count,
    on_match,
    virtual_clock,
)

pytestmark = pytest.mark.anyio

A, B, DONE = '{"action": "a"}', '{"action": "b"}', '{"action": "complete"}'


async def together(*works: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Await several things at once, and return what each gave."""
    results: list[Any] = [None] * len(works)

    async def work(place: int) -> None:
        results[place] = await works[place]()

    async with anyio.create_task_group() as group:
        for place in range(len(works)):
            group.start_soon(work, place)
    return results


async def cancel_soon(scope: anyio.CancelScope) -> None:
    for _ in range(20):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


async def test_replies_find_those_who_asked() -> None:
    """Of two requests at once each gets its own reply, in whatever order they come."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        asked = [(await receive())["text"] for _ in range(2)]
        for text in reversed(asked):
            await send({"type": "websocket.send", "text": text})
        await receive()

    async with WebsocketCommunicator(app, "/") as ws:
        first, second = await together(
            lambda: ws.request({"q": 1}), lambda: ws.request({"q": 2})
        )
    assert (first["q"], second["q"]) == (1, 2)


async def test_who_looks_takes_nothing_from_who_reads() -> None:
    """A frame that one task looks at is received by another that waits for it."""
    async with WebsocketCommunicator(answers(x=[A, B]), "/") as ws:
        silent, first, *_ = await together(
            lambda: ws.receive_nothing(5),
            lambda: ws.receive_json(timeout=5),
            lambda: ws.send_text("x"),
        )
        assert not silent
        assert (first, await ws.receive_json()) == ({"action": "a"}, {"action": "b"})


async def test_who_looks_takes_nothing_from_who_reads_already() -> None:
    """Nor where the other began to wait before."""
    async with WebsocketCommunicator(answers(x=[A, B]), "/") as ws:
        first, silent, *_ = await together(
            lambda: ws.receive_json(timeout=5),
            lambda: ws.receive_nothing(5),
            lambda: ws.send_text("x"),
        )
        assert (first, silent) == ({"action": "a"}, False)
        assert await ws.receive_json() == {"action": "b"}


@pytest.mark.parametrize(
    "collect",
    [
        lambda ws: ws.receive_until(on_action("never")),
        lambda ws: ws.receive_all_messages("never", timeout=math.inf),
        lambda ws: ws.receive_all_json(timeout=math.inf),
    ],
    ids=["receive_until", "receive_all_messages", "receive_all_json"],
)
async def test_collection_that_is_cut_short_takes_nothing(collect: Any) -> None:
    """What a cancelled collection had received is received again, in its order."""

    async def pause(send: Send) -> None:
        await anyio.sleep(3600)

    async with WebsocketCommunicator(says(A, DONE, A, B, then=pause), "/") as ws:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(cancel_soon, scope)
                await collect(ws)
        assert scope.cancelled_caught
        again = await ws.receive_all_json(timeout=0)
    assert again == [{"action": name} for name in ("a", "complete", "a", "b")]


async def test_completions_of_a_collection_that_is_cut_short_count_again() -> None:
    """What a cancelled collection made of completion messages is forgotten, too."""
    async with WebsocketCommunicator(answers(x=[A, DONE]), "/") as ws:
        for cut_short in (True, False):
            with anyio.CancelScope() as scope:
                if cut_short:
                    await ws.send_text("x")
                    async with anyio.create_task_group() as group:
                        group.start_soon(cancel_soon, scope)
                        await ws.receive_until(on_action("never"), timeout=math.inf)
                else:
                    assert await ws.receive_all_messages() == [{"action": "a"}]
        await ws.send_text("x")
        assert await ws.receive_all_messages() == [{"action": "a"}]


async def test_error_of_a_predicate_takes_nothing() -> None:
    """A question that raises has not taken what it was asked about."""
    async with WebsocketCommunicator(says(A, B), "/") as ws:
        with pytest.raises(KeyError):
            await ws.receive_until(on_match(lambda message: message["b"]))
        assert await ws.receive_until(on_count(2)) == [{"action": "a"}, {"action": "b"}]


async def test_what_is_no_json_costs_no_other_frame() -> None:
    """receive_all_json() tells what came before it, and leaves what follows."""
    async with WebsocketCommunicator(says(A, "oops", B), "/") as ws:
        with pytest.raises(UndecodableFrame) as refused:
            await ws.receive_all_json()
        assert refused.value.messages == [{"action": "a"}]
        assert await ws.receive_all_json() == [{"action": "b"}]


@on("asyncio")
@pytest.mark.parametrize("model", [None, dict])
async def test_timeout_counts_from_the_beginning(model: Any) -> None:
    """Completion messages that are skipped give a wait no more time."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for frame in (DONE, A):
            await anyio.sleep(50)
            await send({"type": "websocket.send", "text": frame})
        await receive()

    with virtual_clock():
        async with WebsocketCommunicator(app, "/", unread="ignore") as ws:
            with pytest.raises(NoMessage):
                await ws.receive_message(model, timeout=60)


async def test_leaving_by_cancellation_is_a_goodbye_as_any() -> None:
    """A cancelled block leaves the application time to say goodbye."""
    log: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        log.append((await receive())["type"])
        await anyio.lowlevel.checkpoint()
        log.append("left its group")

    with anyio.CancelScope() as scope:
        async with WebsocketCommunicator(app, "/") as ws:
            scope.cancel()
            await ws.receive_json()
    assert scope.cancelled_caught
    assert log == ["websocket.disconnect", "left its group"]
    assert ws.exception is None


async def test_warning_of_the_goodbye_does_not_hide_an_error() -> None:
    """Where warnings are errors, that of a lingering application is a note only."""

    async def lingers(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await receive()

    with pytest.raises(LookupError) as caught:
        async with WebsocketCommunicator(lingers, "/"):
            raise LookupError("the test's own")
    assert "the application did not end" in "".join(caught.value.__notes__)
