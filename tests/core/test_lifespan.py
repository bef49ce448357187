"""Startup and shutdown, around a block, of applications that have them or not."""

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from tests.backends import asyncio_only, on, proving_only
from wstest_core import (
    ApplicationCrashed,
    NoMessage,
    WebsocketCommunicator,
    WebSocketTestError,
)
from wstest_core.lifespan import Lifespan

pytestmark = pytest.mark.anyio

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Life:
    """An ASGI application that logs, and runs what it is made of."""

    def __init__(self, startup: Any = None, shutdown: Any = None) -> None:
        self.startup, self.shutdown = startup, shutdown
        self.log: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.live(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.accept"})
            scope["state"]["shared"].append(scope["path"])
            scope["state"]["own"] = True
            await send({"type": "websocket.send", "text": repr(scope["state"])})
            await receive()

    async def live(self, scope: Any, receive: Any, send: Any) -> None:
        for phase, work in ("startup", self.startup), ("shutdown", self.shutdown):
            assert (await receive())["type"] == f"lifespan.{phase}"
            self.log.append(phase)
            scope["state"].setdefault("shared", [])
            if work is not None:
                await work(send)
            await send({"type": f"lifespan.{phase}.complete"})


async def breaks(_send: Any) -> None:
    raise LookupError("no database")


async def hangs(_send: Any) -> None:
    await anyio.Event().wait()


def says(event: str) -> Any:
    async def say(send: Any) -> None:
        await send({"type": f"lifespan.{event}", "message": "no database"})
        await anyio.Event().wait()

    return say


async def test_startup_and_shutdown_run_around_the_block() -> None:
    """Each runs once, and not before its time."""
    app = Life()
    async with Lifespan(app) as lifespan:
        assert lifespan.supported
        assert app.log == ["startup"]
    assert app.log == ["startup", "shutdown"]


async def test_each_scope_has_a_copy_of_the_state() -> None:
    """What startup made is shared; what a connection adds is its own."""
    async with Lifespan(Life()) as lifespan:
        for path in ("/1", "/2"):
            async with WebsocketCommunicator(
                lifespan, path, state={"mine": 1}, unread="ignore"
            ) as ws:
                await ws.settle()
                assert ws.scope["state"]["mine"] == 1
        assert lifespan.state == {"shared": ["/1", "/2"]}


async def test_startup_may_take_its_time() -> None:
    """Sleeping and working in threads is no reason to give up."""

    async def works(_send: Any) -> None:
        await anyio.sleep(0.01)
        await anyio.to_thread.run_sync(gc.isenabled)

    async with Lifespan(Life(works, works)):
        pass


async def test_startup_and_shutdown_are_one_task() -> None:
    """A cancel scope may be entered in one and left in the other."""
    stopped = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 3600)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            tasks.cancel_scope.cancel()
        stopped.append(scope["type"])
        await send({"type": "lifespan.shutdown.complete"})

    async with Lifespan(app):
        await anyio.lowlevel.checkpoint()
    assert stopped == ["lifespan"]


@asyncio_only
async def test_it_may_be_left_in_another_task() -> None:
    """As fixtures do whose setup and teardown are different tasks."""
    app = Life()
    lifespan = Lifespan(app)
    for step in (lifespan.__aenter__, lambda: lifespan.__aexit__(None, None, None)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(step)
    assert app.log == ["startup", "shutdown"]


@pytest.mark.parametrize("takes_the_event", [True, False])
@pytest.mark.parametrize("raises", [True, False])
async def test_an_application_without_lifespan_just_works(
    takes_the_event: bool, raises: bool
) -> None:
    """One that raises or returns before answering has no lifespan (ASGI spec)."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if takes_the_event:
            await receive()
        if raises:
            raise ValueError(scope["type"])

    async with Lifespan(app) as lifespan:
        assert not lifespan.supported
        assert isinstance(lifespan.exception, ValueError) == raises


async def test_an_application_that_answers_as_to_a_client_has_no_lifespan() -> None:
    """A bare WebSocket application accepts whatever comes: it is told off."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    async with Lifespan(app) as lifespan:
        assert "'websocket.accept' is no event" in str(lifespan.exception)


async def test_startup_that_raises_after_saying_so() -> None:
    """Starlette says that startup failed, then raises: the traceback is its own."""

    async def fails(send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "see below"})
        raise LookupError("no database")

    with pytest.raises(ApplicationCrashed) as caught:
        async with Lifespan(Life(fails)):
            pytest.fail("the block ran")
    text = "the application did not start: it raised LookupError('no database')"
    assert str(caught.value) == text
    assert caught.value.__cause__ is caught.value.error
    frames = traceback.extract_tb(caught.value.error.__traceback__)
    assert frames[-1].name == "fails"


@proving_only
async def test_startup_that_says_it_failed_and_goes_on() -> None:
    """What an application says is told where it raises nothing."""
    text = "the application did not start: it says 'no database'"
    with pytest.raises(WebSocketTestError, match=f"(?m)^{text}$"):
        async with Lifespan(Life(says("startup.failed"))):
            pytest.fail("the block ran")


@proving_only
async def test_startup_that_hangs_is_found_out_at_once() -> None:
    """That nothing can move it any more is proved; the text says where it stands."""
    with pytest.raises(NoMessage) as caught:
        async with Lifespan(Life(hangs), timeout=60):
            pytest.fail("the block ran")
    first, last = str(caught.value).split("\n\n")
    assert first == (
        "the application did not start and nothing can make it within 60 s"
    )
    assert " in hangs() at " in last


async def test_startup_that_takes_too_long() -> None:
    """The timeout guards against a startup that goes on and on."""

    async def forever(_send: Any) -> None:
        while True:
            await anyio.sleep(0.001)

    with pytest.raises(NoMessage, match=r"did not start .*within 0\.02 s"):
        async with Lifespan(Life(forever), timeout=0.02):
            pytest.fail("the block ran")


async def test_shutdown_that_raises() -> None:
    """It is reported when the block is over."""
    with pytest.raises(ApplicationCrashed, match="did not shut down: it raised Look"):
        async with Lifespan(Life(shutdown=breaks)):
            pass


@proving_only
async def test_shutdown_that_says_it_failed_or_hangs() -> None:
    """The rest of what can go wrong is told as for startup."""
    with pytest.raises(WebSocketTestError, match="did not shut down: it says 'no da"):
        async with Lifespan(Life(shutdown=says("shutdown.failed"))):
            pass
    with pytest.raises(NoMessage, match="did not shut down and nothing can"):
        async with Lifespan(Life(shutdown=hangs)):
            pass


@on("trio")
async def test_shutdown_that_hangs_within_a_nursery() -> None:
    """That all its tasks are cancelled is no crash: it is told where it hung."""
    import trio

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await hangs(send)

    with pytest.raises(NoMessage, match=r"did not shut down (.|\n)* in hangs\(\) at "):
        async with Lifespan(app, timeout=0.02):
            pass


@asyncio_only
async def test_a_lifespan_that_cancels_itself() -> None:
    """Only who was cancelled by the test may raise that: it did not stay alive."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise asyncio.CancelledError

    with pytest.raises(ApplicationCrashed, match="did not stay alive: it raised Canc"):
        async with Lifespan(app):
            await anyio.lowlevel.checkpoint()


async def test_a_failing_shutdown_does_not_replace_the_test_s_error() -> None:
    """It is a note to it, with its own traceback."""
    with pytest.raises(ZeroDivisionError) as caught:
        async with Lifespan(Life(shutdown=breaks)):
            raise ZeroDivisionError
    (note,) = caught.value.__notes__
    assert note.startswith("And the application did not shut down: it raised Lookup")
    assert "in breaks" in note


async def test_a_lifespan_that_ends_under_the_test() -> None:
    """An application whose background task crashed is reported, at the end."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise LookupError("in the background")

    with pytest.raises(ApplicationCrashed, match="did not stay alive: it raised Look"):
        async with Lifespan(app):
            await anyio.lowlevel.checkpoint()


async def test_shutdown_runs_though_the_test_is_cancelled() -> None:
    """A test that runs into its own timeout leaves nothing behind."""
    app = Life()
    with anyio.CancelScope() as scope:
        async with Lifespan(app):
            scope.cancel()
            await anyio.sleep(3600)
    assert app.log == ["startup", "shutdown"]


async def test_cancelled_while_starting() -> None:
    """The application is ended too."""
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            while True:
                await anyio.sleep(0.001)
        finally:
            ended.append(True)

    with anyio.move_on_after(0.01):
        async with Lifespan(app):
            pytest.fail("the block ran")
    assert ended == [True]


@proving_only
async def test_a_lifespan_does_not_stand_in_the_way_of_proofs() -> None:
    """An application at rest in its lifespan is at rest."""
    async with (
        Lifespan(Life()) as lifespan,
        WebsocketCommunicator(lifespan, "/", timeout=60) as ws,
    ):
        await ws.receive_text()
        with pytest.raises(NoMessage, match="nothing more can arrive"):
            await ws.receive_json()


async def test_a_lifespan_is_one_life() -> None:
    """The second time is one clear error."""
    lifespan = Lifespan(Life())
    async with lifespan:
        pass
    with pytest.raises(RuntimeError, match="is one life: make another"):
        await lifespan.__aenter__()


async def test_an_import_string_is_loaded_at_once() -> None:
    """So that what it names can be prepared before it starts."""
    assert Lifespan("tests.core.test_lifespan:imported").application is imported
    with pytest.raises(ValueError, match="has no attribute 'nowhere'"):
        Lifespan("tests.core.test_lifespan:nowhere")


imported = Life()
