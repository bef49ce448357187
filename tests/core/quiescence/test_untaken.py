"""What fails in the background is named by the failure that it leads to."""

import asyncio
import gc
import inspect
import re
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio

from tests.backends import asyncio_only, on
from wstest_core import (
    ApplicationCommunicator,
    ApplicationCrashed,
    NoMessage,
    WebsocketCommunicator,
)

pytestmark = pytest.mark.anyio

SENTENCE = "Something has failed, and nobody has taken its error: "


async def fails() -> None:
    await asyncio.sleep(0)
    raise LookupError("lost")


def calls_back() -> None:
    raise ValueError("lost")


class Application:
    """Begins what fails, in the way that a text names."""

    def __init__(self) -> None:
        self.held: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await getattr(self, event["text"])()

    async def lets_go(self) -> None:
        asyncio.create_task(fails())  # noqa: RUF006 - that is what it is about

    async def holds(self) -> None:
        self.held.append(asyncio.create_task(fails()))

    async def calls_back(self) -> None:
        asyncio.get_running_loop().call_soon(calls_back)

    async def takes(self) -> None:
        self.held.append(asyncio.create_task(fails()))
        await asyncio.gather(*self.held, return_exceptions=True)


@contextmanager
def telling() -> Iterator[list[object]]:
    """The errors that the running loop is told of; afterwards all is as it was."""
    loop, told = asyncio.get_running_loop(), list[object]()
    found = loop.get_exception_handler()

    def tell(_: object, context: dict[str, Any]) -> None:
        told.append(context["exception"])

    loop.set_exception_handler(tell)
    try:
        yield told
        assert loop.get_exception_handler() is tell
    finally:
        loop.set_exception_handler(found)


async def lack(ws: WebsocketCommunicator, text: str) -> str:
    """What the application is said to be doing, as a reply to a text lacks."""
    await ws.send_text(text)
    with pytest.raises(NoMessage) as caught:
        await ws.receive_json(timeout=0.05)
    _, _, doing = str(caught.value).rpartition("\n\n")
    return re.sub(r"^The application is waiting for input in .*?:\d+\. ?", "", doing)


def spot(function: Any, line: int) -> str:
    number = inspect.getsourcelines(function)[1] + line
    return f"in {function.__name__}() at tests/core/quiescence/test_untaken.py:{number}"


@asyncio_only
async def test_a_task_that_is_let_go() -> None:
    """It is named with its place, and the loop's own handler is told as ever."""
    with telling() as told:
        async with WebsocketCommunicator(Application(), "/") as ws:
            found = await lack(ws, "lets_go")
    assert found == f"{SENTENCE}LookupError('lost') {spot(fails, 2)}."
    assert [repr(error) for error in told] == ["LookupError('lost')"]


@asyncio_only
async def test_a_task_that_is_held() -> None:
    """It is named too, and its error is left for whoever will take it."""
    application = Application()
    with telling() as told:
        async with WebsocketCommunicator(application, "/") as ws:
            found = await lack(ws, "holds")
        assert found == f"{SENTENCE}LookupError('lost') {spot(fails, 2)}."
        assert told == []
        application.held.clear()
        gc.collect()
        assert [repr(error) for error in told] == ["LookupError('lost')"]


@asyncio_only
async def test_a_callback() -> None:
    """An error in a callback of the loop is named."""
    with telling() as told:
        async with WebsocketCommunicator(Application(), "/") as ws:
            found = await lack(ws, "calls_back")
    assert found == f"{SENTENCE}ValueError('lost') {spot(calls_back, 1)}."
    assert len(told) == 1


@asyncio_only
async def test_several() -> None:
    """The last three are named."""
    with telling() as told:
        async with WebsocketCommunicator(Application(), "/") as ws:
            for _ in range(3):
                await lack(ws, "lets_go")
            found = await lack(ws, "calls_back")
    assert found.count("LookupError('lost') in fails()") == 2
    assert found.count("ValueError") == 1
    assert len(told) == 4


@asyncio_only
async def test_an_error_that_is_taken() -> None:
    """What the application has dealt with is not its trouble."""
    async with WebsocketCommunicator(Application(), "/") as ws:
        assert await lack(ws, "takes") == ""


@asyncio_only
async def test_errors_of_earlier_connections() -> None:
    """What failed before a connection was opened is no matter of its failures."""
    with telling():
        async with WebsocketCommunicator(Application(), "/") as ws:
            assert await lack(ws, "lets_go") != ""
        async with WebsocketCommunicator(Application(), "/") as ws:
            assert await lack(ws, "takes") == ""


@asyncio_only
async def test_failures_of_the_test_itself() -> None:
    """What this library raised in a task of the test is not named."""
    async with WebsocketCommunicator(Application(), "/") as ws:
        waiting = asyncio.create_task(ws.receive_json(timeout=0.05))
        await asyncio.wait([waiting])
        assert await lack(ws, "takes") == ""
        assert isinstance(waiting.exception(), NoMessage)


@asyncio_only
async def test_an_application_with_a_handler_of_its_own() -> None:
    """Its handler is called; the test's, which it was put over, is put back."""
    heard: list[object] = []

    class Handles(Application):
        async def lets_go(self) -> None:
            loop = asyncio.get_running_loop()
            found = loop.get_exception_handler()
            assert found is not None

            def handle(loop: Any, context: Any) -> None:
                heard.append(context["exception"])
                found(loop, context)

            loop.set_exception_handler(handle)
            await super().lets_go()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            loop.set_exception_handler(found)

    with telling() as told:
        async with WebsocketCommunicator(Handles(), "/") as ws:
            assert (await lack(ws, "lets_go")).count(SENTENCE) == 1
    assert len(heard) == len(told) == 1


@asyncio_only
async def test_a_handler_that_stays() -> None:
    """One that the application leaves in place is left there."""
    loop = asyncio.get_running_loop()
    found = loop.get_exception_handler()

    def handle(loop: Any, context: Any) -> None:
        """Whatever happens."""

    class Handles(Application):
        async def lets_go(self) -> None:
            loop.set_exception_handler(handle)

    for _ in range(2):
        async with WebsocketCommunicator(Handles(), "/") as ws:
            await lack(ws, "lets_go")
        assert loop.get_exception_handler() is handle
    loop.set_exception_handler(found)
    with telling():
        async with WebsocketCommunicator(Application(), "/"):
            pass
        async with WebsocketCommunicator(Application(), "/") as ws:
            assert SENTENCE in await lack(ws, "lets_go")


class Unspeakable(Exception):
    """An error that cannot be put in words."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


@asyncio_only
@pytest.mark.parametrize("way", ["lets_go", "holds"])
async def test_an_error_whose_repr_raises(way: str) -> None:
    """It is named by its type, and the loop's handler is told of it as ever."""

    class Fails(Application):
        async def lets_go(self) -> None:
            asyncio.create_task(self.fails())  # noqa: RUF006 - as above

        async def holds(self) -> None:
            self.held.append(asyncio.create_task(self.fails()))

        async def fails(self) -> None:
            await asyncio.sleep(0)
            raise Unspeakable

    application = Fails()
    with telling() as told:
        async with WebsocketCommunicator(application, "/") as ws:
            found = await lack(ws, way)
        application.held.clear()
        gc.collect()
    words = "Unspeakable, whose repr() raises RuntimeError, in fails() at "
    assert found.startswith(f"{SENTENCE}{words}")
    assert [type(error) for error in told] == [Unspeakable]


@asyncio_only
async def test_a_long_error() -> None:
    """What an error says is cut, as are the values of a transcript."""

    class Fails(Application):
        async def lets_go(self) -> None:
            asyncio.get_running_loop().call_soon([].index, "x" * 3_000)

    with telling():
        async with WebsocketCommunicator(Fails(), "/") as ws:
            found = await lack(ws, "lets_go")
    assert len(found) < 700
    assert "xxx…" in found


@asyncio_only
async def test_a_handler_that_raises() -> None:
    """What it was told of is named all the same."""
    loop = asyncio.get_running_loop()
    found = loop.get_exception_handler()

    def handle(loop: Any, context: Any) -> None:
        raise TypeError(str(context["exception"]))

    loop.set_exception_handler(handle)
    try:
        async with WebsocketCommunicator(Application(), "/") as ws:
            assert f"{SENTENCE}LookupError('lost')" in await lack(ws, "lets_go")
        assert loop.get_exception_handler() is handle
    finally:
        loop.set_exception_handler(found)


@asyncio_only
async def test_a_handler_that_is_put_back_too_late() -> None:
    """The next connection clears away what was put back after ours had gone."""
    loop = asyncio.get_running_loop()
    with telling() as told:
        for _ in range(3):
            async with WebsocketCommunicator(Application(), "/"):
                found = loop.get_exception_handler()
                loop.set_exception_handler(lambda *_: None)
            loop.set_exception_handler(found)
            loop.call_exception_handler({"exception": KeyError()})
        async with WebsocketCommunicator(Application(), "/"):
            pass
    assert len(told) == 3


@asyncio_only
async def test_handlers_are_let_go() -> None:
    """One that was there is not kept when it has been taken away."""
    loop = asyncio.get_running_loop()
    found = loop.get_exception_handler()

    class Handler:
        def __call__(self, loop: Any, context: Any) -> None: ...

    loop.set_exception_handler(handler := Handler())
    async with WebsocketCommunicator(Application(), "/"):
        pass
    loop.set_exception_handler(found)
    kept = weakref.ref(handler)
    del handler
    assert kept() is None


@asyncio_only
async def test_many() -> None:
    """Only the last ones are kept, and those of an earlier connection not told."""

    class Fails(Application):
        async def lets_go(self) -> None:
            for number in range(20):
                asyncio.get_running_loop().call_soon(int, f"number {number}")

    with telling() as told:
        async with WebsocketCommunicator(Fails(), "/") as ws:
            words = await lack(ws, "lets_go")
        async with WebsocketCommunicator(Application(), "/") as ws:
            assert (await lack(ws, "lets_go")).count(" in ") == 1
            assert (await lack(ws, "calls_back")).count(" in ") == 2
    assert re.findall(r"number (\d+)", words) == ["17", "18", "19"]
    assert len(told) == 22


@asyncio_only
async def test_an_application_of_another_kind() -> None:
    """An `ApplicationCommunicator` names it as well."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while True:
            await receive()
            asyncio.create_task(fails())  # noqa: RUF006 - as above

    with telling():
        async with ApplicationCommunicator(application, {"type": "job"}) as job:
            await job.send_input({"type": "begin"})
            with pytest.raises(NoMessage) as caught:
                await job.receive_output(timeout=0.05)
    assert f"{SENTENCE}LookupError('lost') {spot(fails, 2)}." in str(caught.value)


@on("trio")
async def test_a_task_on_trio() -> None:
    """A nursery raises what its tasks raise, so there it is the application's own."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        async with trio.open_nursery() as nursery:
            while (event := await receive())["type"] == "websocket.receive":
                nursery.start_soon([event["text"]].index, "lost")

    with pytest.raises(ApplicationCrashed) as caught:
        async with WebsocketCommunicator(application, "/") as ws:
            await ws.send_text("x")
            await ws.receive_json()
    assert SENTENCE not in str(caught.value)
