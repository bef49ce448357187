"""Raw events, to and from applications of any scope type."""

import asyncio
import gc
import re
import threading
import warnings
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.backends import asyncio_only, on, proving_only
from wstest_core import (
    ApplicationCommunicator,
    ApplicationCrashed,
    IllegalAsgiEvent,
    LingeringApplicationWarning,
    NoMessage,
    settings,
    virtual_clock,
)
from wstest_core.transcript import Transcript

pytestmark = pytest.mark.anyio

App = Callable[[Any, Any, Any], Awaitable[None]]
WORKER = {"type": "channel", "channel": "thumbnails"}
HIDDEN: ContextVar[str] = ContextVar("HIDDEN", default="nothing")


async def worker(scope: Any, receive: Any, send: Any) -> None:
    """Answers each task, for ever."""
    while True:
        event = await receive()
        await send({"type": "done", "task": event["task"]})


def task(number: int) -> dict[str, Any]:
    return {"type": "do", "task": number}


def sends(*events: dict[str, Any], then: Exception | None = None) -> App:
    """Sends events as soon as it starts, then returns or raises."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for event in events:
            await send(event)
        if then is not None:
            raise then

    return app


async def listens(scope: Any, receive: Any, send: Any) -> None:
    """Takes everything and says nothing."""
    while True:
        await receive()


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d{3}s", "0.000s", text)


# --- talking


async def test_events_go_in_and_come_out() -> None:
    """Each event is answered, in order."""
    async with ApplicationCommunicator(worker, WORKER) as app:
        for number in range(3):
            await app.send_input(task(number))
        found = [await app.receive_output() for _ in range(3)]
    assert found == [{"type": "done", "task": number} for number in range(3)]


async def test_asgiref_s_way_of_using_it() -> None:
    """Without a block: send, receive, wait for the end, as in Channels' tests."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"test response"})

    instance = ApplicationCommunicator(app, {"type": "http"})
    await instance.send_input({"type": "http.request"})
    assert (await instance.receive_output(1))["type"] == "http.response.start"
    assert (await instance.receive_output(1))["body"] == b"test response"
    assert await instance.receive_nothing()
    await instance.wait(timeout=1)
    instance.stop()


async def test_a_lifespan_by_hand() -> None:
    """Startup and shutdown are events like others."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            await send({"type": f"lifespan.{phase}.complete"})

    lifespan = ApplicationCommunicator(app, {"type": "lifespan"})
    for phase in ("startup", "shutdown"):
        await lifespan.send_input({"type": f"lifespan.{phase}"})
        expected = {"type": f"lifespan.{phase}.complete"}
        assert await lifespan.receive_output() == expected
    await lifespan.wait()


async def test_events_are_copies() -> None:
    """Neither side sees what the other does to an event afterwards."""
    constant = {"type": "done"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        (await receive()).clear()
        await send(constant)
        constant["late"] = "yes"

    given = {"type": "do"}
    async with ApplicationCommunicator(app, WORKER) as communicator:
        await communicator.send_input(given)
        assert not await communicator.receive_nothing()
        assert await communicator.receive_output() == {"type": "done"}
    assert given == {"type": "do"}


async def test_a_legacy_application_works() -> None:
    """A double callable is adapted, as asgiref does."""

    def app(scope: Any) -> Any:
        async def inner(receive: Any, send: Any) -> None:
            await send({"type": "seen", "scope": scope["type"]})

        return inner

    async with ApplicationCommunicator(app, {"type": "mine"}) as communicator:
        expected = {"type": "seen", "scope": "mine"}
        assert await communicator.receive_output() == expected


async def test_an_import_string_works() -> None:
    """It is loaded when the communicator is made."""
    name = "tests.core.test_application:worker"
    async with ApplicationCommunicator(name, WORKER) as app:
        await app.send_input(task(1))
        assert (await app.receive_output())["task"] == 1


# --- waiting


@proving_only
async def test_no_event_is_proved() -> None:
    """A wait for an event ends as soon as it is known that there is none."""
    async with ApplicationCommunicator(worker, WORKER, timeout=3600) as app:
        await app.send_input(task(1))
        await app.receive_output()
        with pytest.raises(NoMessage) as caught:
            await app.receive_output()
        assert await app.receive_nothing(3600)
    head, entries, last = without_times(str(caught.value)).split("\n\n")
    assert head == (
        "no event from the application (scope type 'channel'): nothing more can arrive"
    )
    assert entries.splitlines() == [
        "2 entries",
        "   0.000s -> do task=1",
        "   0.000s <- done task=1",
    ]
    doing, remedy = last.split(". ")
    assert re.search(r"is waiting .*in worker\(\) at .*test_application.py:\d+$", doing)
    assert remedy == "Give it its next event with send_input()."


async def test_a_missing_event_is_a_timeout_error() -> None:
    """Tests that catch what asgiref raises go on working."""
    async with ApplicationCommunicator(listens, WORKER) as app:
        with pytest.raises(TimeoutError):
            await app.receive_output(timeout=0.01)


async def test_a_timeout_harms_nothing() -> None:
    """The application goes on where asgiref would have cancelled it."""
    go_on = anyio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        while not go_on.is_set():  # so that nothing is proved
            await checkpoint()
        await send({"type": "at last"})
        await receive()

    async with ApplicationCommunicator(app, WORKER) as communicator:
        await communicator.send_input({"type": "go"})
        with pytest.raises(NoMessage, match=r"nothing arrived within 0\.01 s"):
            await communicator.receive_output(timeout=0.01)
        with pytest.raises(NoMessage, match=r"it has not ended within 0\.01 s"):
            await communicator.wait(timeout=0.01)
        assert await communicator.receive_nothing(timeout=0.01)
        go_on.set()
        assert await communicator.receive_output() == {"type": "at last"}


async def test_cancelling_a_wait_loses_nothing() -> None:
    """A test's own deadline takes no event away, whenever it strikes."""
    found: list[dict[str, Any]] = []

    async def take() -> None:
        found.append(await app.receive_output())

    async with ApplicationCommunicator(worker, WORKER) as app:
        for number in range(60):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(take)
                    await checkpoint()
                    await app.send_input(task(number))
                    for _ in range(number % 6):
                        await checkpoint()
                    scope.cancel()
            if len(found) == number:
                await take()
    assert [event["task"] for event in found] == [*range(60)]


async def test_a_delay_and_a_thread_are_waited_for() -> None:
    """What is on its way is never taken for silence."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await anyio.sleep(0.01)
        await send({"type": "slept"})
        await anyio.to_thread.run_sync(threading.Event().wait, 0.01)
        await send({"type": "threaded"})

    async with ApplicationCommunicator(app, WORKER) as communicator:
        assert not await communicator.receive_nothing(1)
        assert (await communicator.receive_output())["type"] == "slept"
        assert (await communicator.receive_output())["type"] == "threaded"


async def test_nothing_takes_nothing() -> None:
    """Looking whether something comes leaves it there."""
    app = ApplicationCommunicator(sends({"type": "a"}), WORKER)
    assert not await app.receive_nothing()
    assert not await app.receive_nothing(timeout=0, interval=0)
    assert await app.receive_output() == {"type": "a"}
    assert await app.receive_nothing()


@on("asyncio")
async def test_an_hour_passes_at_once() -> None:
    """The virtual clock works here too, by block and by setting."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await anyio.sleep(3600)
        await send({"type": "late"})
        await receive()

    with virtual_clock():
        async with ApplicationCommunicator(app, WORKER) as communicator:
            assert (await communicator.receive_output(7200))["type"] == "late"
    before = asyncio.get_running_loop().time
    with settings.override(virtual_clock=True):
        async with ApplicationCommunicator(app, WORKER) as communicator:
            assert (await communicator.receive_output(7200))["type"] == "late"
    assert asyncio.get_running_loop().time == before


@proving_only
async def test_a_person_may_debug() -> None:
    """Under a debugger waits do not end early, and settling does not hang."""
    token = settings.stepping.set(True)
    try:
        async with ApplicationCommunicator(worker, WORKER, timeout=0.001) as app:
            await app.send_input(task(1))
            assert await app.settle()
            assert await app.receive_output()
    finally:
        settings.stepping.reset(token)


# --- coming to rest


@proving_only
async def test_settling_tells_whether_the_application_rests() -> None:
    """It waits for delays and threads, and says no where the time was too short."""
    log: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            event = await receive()
            await anyio.sleep(event["delay"])
            await anyio.to_thread.run_sync(log.append, "in a thread")
            await send({"type": "done"})

    async with ApplicationCommunicator(app, WORKER) as communicator:
        await communicator.send_input({"type": "do", "delay": 0.01})
        assert await communicator.settle()
        assert log == ["in a thread"]
        assert communicator.awaits_input
        assert await communicator.receive_nothing() is False


async def test_settling_gives_up_on_one_that_is_always_busy() -> None:
    """That it has not come to rest is said, and nothing is done to it."""

    async def busy(scope: Any, receive: Any, send: Any) -> None:
        while True:
            await checkpoint()

    async with ApplicationCommunicator(busy, WORKER, timeout=0.01) as app:
        assert not await app.settle()
        assert not app.awaits_input
        assert not app.ended
        assert re.match(r"The application is .* in busy\(\) at ", app.doing())


async def test_whether_it_awaits_input_is_known_on_any_loop() -> None:
    """An application that asks for its next event has dealt with the one before."""
    app = ApplicationCommunicator(worker, WORKER)
    assert not app.awaits_input
    assert app.doing() == "The application has not been started."
    await app.send_input(task(1))
    assert not app.awaits_input
    await app.receive_output()
    await checkpoint()
    assert app.awaits_input
    await app.send_input(task(2))
    assert not app.awaits_input
    app.stop()
    await app.wait()
    assert app.ended
    assert not app.awaits_input
    assert app.doing() == "The application was stopped."


async def test_a_receive_that_is_given_up_asks_no_more() -> None:
    """As Django's does, that listens for a disconnect beside its work."""
    done = anyio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        with anyio.move_on_after(0):
            await receive()
        await send({"type": "working"})
        await done.wait()

    async with ApplicationCommunicator(app, WORKER) as communicator:
        await communicator.receive_output()
        assert not communicator.awaits_input
        done.set()


# --- ends


async def test_a_crash_comes_after_what_was_sent() -> None:
    """All events are readable before it is raised, chained, as often as asked."""
    error = ValueError("no more")
    crashing = sends({"type": "a"}, {"type": "b"}, then=error)
    app = ApplicationCommunicator(crashing, WORKER)
    assert await app.receive_nothing() is False
    assert [await app.receive_output() for _ in "ab"] == [{"type": "a"}, {"type": "b"}]
    for verb in (app.receive_output, app.receive_nothing, app.wait):
        with pytest.raises(ApplicationCrashed) as caught:
            await verb()
        assert caught.value.error is caught.value.__cause__ is app.exception is error
    assert without_times(str(caught.value)) == (
        "no end of the application (scope type 'channel'): "
        "it raised ValueError('no more')\n"
        "\n"
        "3 entries\n"
        "   0.000s <- a\n"
        "   0.000s <- b\n"
        "   0.000s <- (the application raised ValueError('no more'))\n"
        "\n"
        "The application raised ValueError('no more'). A test that wants this expects "
        "ApplicationCrashed, and finds it in its `error`."
    )


async def test_a_crash_stands_in_the_way_of_the_next_event() -> None:
    """Sending to what has crashed raises what it raised."""
    app = ApplicationCommunicator(sends(then=ValueError("no")), WORKER)
    await app.settle(0.01)
    with pytest.raises(ApplicationCrashed, match=r"^nothing can be sent to the appl"):
        await app.send_input(task(1))
    with pytest.raises(ApplicationCrashed, match=r"^no clean end of the application"):
        app.stop()
    app.stop(exceptions=False)


async def test_an_application_that_returned_is_silent() -> None:
    """Silence is True at once on any loop; an event that is wanted is missed so."""
    app = ApplicationCommunicator(sends({"type": "a"}), {"type": "http"}, timeout=3600)
    await app.wait()
    assert await app.receive_output() == {"type": "a"}
    assert await app.receive_nothing(3600)
    await app.send_input({"type": "http.disconnect"})
    with pytest.raises(NoMessage) as caught:
        await app.receive_output()
    assert without_times(str(caught.value)) == (
        "no event from the application (scope type 'http'): it has returned\n"
        "\n"
        "3 entries\n"
        "   0.000s <- a\n"
        "   0.000s <- (the application returned)\n"
        "   0.000s -- http.disconnect to an application that has ended\n"
        "\n"
        "The application has returned."
    )


@proving_only
async def test_that_it_will_not_end_is_proved() -> None:
    """Waiting for the end of a worker fails at once, and leaves it alone."""
    async with ApplicationCommunicator(worker, WORKER, timeout=3600) as app:
        text = r"^no end of the .* nothing can end it within 3600 s\n"
        with pytest.raises(NoMessage, match=text):
            await app.wait()
        await app.send_input(task(1))
        assert (await app.receive_output())["task"] == 1


async def test_leaving_the_block_ends_the_application() -> None:
    """It can finish with the event that it has, and is cancelled then."""
    log: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            while True:
                event = await receive()
                await checkpoint()
                log.append(event["type"])
        finally:
            log.append("ended")

    async with ApplicationCommunicator(app, WORKER) as communicator:
        await communicator.send_input({"type": "first"})
        await communicator.send_input({"type": "second"})
    assert log == ["first", "second", "ended"]
    assert communicator.ended
    assert communicator.exception is None


@proving_only
async def test_leaving_does_not_wait_for_time_to_pass() -> None:
    """An application that sleeps is not waited for."""

    async def sleeper(scope: Any, receive: Any, send: Any) -> None:
        await anyio.sleep(3600)

    async with ApplicationCommunicator(sleeper, WORKER, timeout=3600) as app:
        assert await app.receive_nothing(0)
    assert app.ended


async def test_leaving_tells_of_a_crash_that_nobody_saw() -> None:
    """Not a second time, and beside the test's own error as a note."""
    crashing = sends({"type": "a"}, then=ValueError("no"))
    with pytest.raises(ApplicationCrashed, match=r"^no clean end of the application"):
        async with ApplicationCommunicator(crashing, WORKER) as app:
            await app.receive_output()
    with pytest.raises(ZeroDivisionError) as caught:
        async with ApplicationCommunicator(crashing, WORKER) as app:
            await app.receive_output()
            raise ZeroDivisionError
    (note,) = caught.value.__notes__
    assert note.startswith("And no clean end of the application")
    async with ApplicationCommunicator(crashing, WORKER) as app:
        await app.receive_output()
        with pytest.raises(ApplicationCrashed):
            await app.receive_output()


async def test_leaving_works_though_the_test_is_cancelled() -> None:
    """A test that runs into its own deadline leaves nothing behind."""
    with anyio.move_on_after(0.01):
        async with ApplicationCommunicator(listens, WORKER) as app:
            await app.send_input(task(1))
            await anyio.sleep(3600)
    assert app.ended


async def test_one_that_fails_when_it_is_ended() -> None:
    """What it raises then is told."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
        finally:
            raise LookupError("in the cleanup")

    with pytest.raises(ApplicationCrashed, match="in the cleanup"):
        async with ApplicationCommunicator(app, WORKER) as communicator:
            await communicator.receive_nothing(0.01)


async def test_one_with_tasks_of_its_own_is_ended_like_others() -> None:
    """A group of nothing but cancellations is no crash."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)
            group.start_soon(receive)

    async with ApplicationCommunicator(app, WORKER) as communicator:
        await communicator.receive_nothing(0.01)
    assert communicator.ended
    assert communicator.exception is None


@on("asyncio")
async def test_one_that_cannot_be_ended_is_reported() -> None:
    """A warning says where it stood; the test goes on."""
    release = asyncio.Event()

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                await send({"type": "no"})

    with pytest.warns(LingeringApplicationWarning) as caught:
        async with ApplicationCommunicator(stubborn, WORKER) as app:
            await app.receive_nothing(0.01)
    assert re.match(
        r"the application cannot be stopped: it is waiting for an event in stubborn\(",
        str(caught[0].message),
    )
    assert caught[0].filename == __file__
    release.set()
    await app.wait()


async def test_an_unused_communicator_does_nothing() -> None:
    """It starts nothing, so there is nothing to end."""

    async def never(scope: Any, receive: Any, send: Any) -> None:
        pytest.fail("it was started")

    async with ApplicationCommunicator(never, WORKER) as app:
        app.stop()
    assert not app.ended
    assert app.exception is None


def test_it_binds_to_nothing_until_it_is_used() -> None:
    """It can be made where no event loop runs, and used in one later."""
    app = ApplicationCommunicator(worker, WORKER)

    async def use() -> dict[str, Any]:
        async with app:
            await app.send_input(task(1))
            return await app.receive_output()

    assert asyncio.run(use()) == {"type": "done", "task": 1}


def test_use_in_another_loop_is_one_clear_error() -> None:
    """An application lives in one loop."""
    app = ApplicationCommunicator(listens, WORKER)
    asyncio.run(app.send_input(task(1)))
    with pytest.raises(RuntimeError, match="was started in another event loop"):
        asyncio.run(app.receive_output())
    with pytest.raises(RuntimeError, match="no event loop is running here"):
        ApplicationCommunicator(listens, WORKER).send_input(task(1)).send(None)


async def test_what_nobody_refers_to_is_ended() -> None:
    """As asgiref's: a test that forgets it leaves nothing running."""
    ended = anyio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
        finally:
            ended.set()

    communicator = ApplicationCommunicator(app, WORKER)
    await communicator.receive_nothing(0.01)
    del communicator
    gc.collect()
    with anyio.fail_after(5):
        await ended.wait()


@asyncio_only
async def test_cancelled_from_within() -> None:
    """An application that cancels itself has not been stopped by the test."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    communicator = ApplicationCommunicator(app, WORKER)
    with pytest.raises(ApplicationCrashed, match="it raised CancelledError"):
        await communicator.wait()


# --- what the application runs in


async def test_the_context_is_empty_or_given() -> None:
    """Nothing of the test's leaks into the application, unless it is wanted."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "seen", "value": HIDDEN.get()})

    HIDDEN.set("the test's")
    async with ApplicationCommunicator(app, WORKER) as communicator:
        assert (await communicator.receive_output())["value"] == "nothing"
    context = Context()
    context.run(HIDDEN.set, "given")
    async with ApplicationCommunicator(app, WORKER, context=context) as communicator:
        assert (await communicator.receive_output())["value"] == "given"


async def test_the_scope_is_given_as_it_is() -> None:
    """The same object, with what was put in before the start."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "seen", "user": scope["user"]})
        scope["seen"] = True

    communicator = ApplicationCommunicator(app, {"type": "mine"})
    communicator.scope["user"] = "ann"
    async with communicator:
        assert (await communicator.receive_output())["user"] == "ann"
    assert communicator.scope["seen"] is True


async def test_one_that_never_pauses_does_not_hang_the_test() -> None:
    """It sends and sends; the test reads what it wants."""

    async def flood(scope: Any, receive: Any, send: Any) -> None:
        while True:
            await send({"type": "drop"})

    async with ApplicationCommunicator(flood, WORKER, timeout=0.01) as app:
        for _ in range(10_000):
            await app.receive_output()
        with pytest.raises(NoMessage, match="did not come to rest"):
            await app.wait()


# --- what is no event


@pytest.mark.parametrize("wrong", ["text", {"no": "type"}, {"type": 1}])
async def test_what_is_no_event_is_refused(wrong: Any) -> None:
    """From the test it is misuse; in the application it raises where it was sent."""
    with pytest.raises(TypeError, match=r"^an event (is a dict|has a 'type', which)"):
        await ApplicationCommunicator(listens, WORKER).send_input(wrong)
    app = ApplicationCommunicator(sends(wrong), WORKER)
    with pytest.raises(ApplicationCrashed, match="ASGI does not allow") as caught:
        await app.receive_output()
    assert isinstance(caught.value.error, IllegalAsgiEvent)


async def test_misuse_is_told_when_the_communicator_is_made() -> None:
    """What can be checked then is checked then."""
    wrong: Any = ["type"]
    with pytest.raises(TypeError, match=r"^a scope is a dict, not list"):
        ApplicationCommunicator(worker, wrong)
    with pytest.raises(TypeError, match=r"^a scope has a 'type', which is a str: {}"):
        ApplicationCommunicator(worker, {})
    with pytest.raises(ValueError, match=r"^timeout=-1: give seconds, 0 or more"):
        ApplicationCommunicator(worker, WORKER, timeout=-1)
    wrong = object()
    with pytest.raises(TypeError, match="is no ASGI application"):
        ApplicationCommunicator(wrong, WORKER)
    app = ApplicationCommunicator(worker, WORKER)
    for timeout in ("1", -1):
        wrong = timeout
        with pytest.raises((TypeError, ValueError), match=r"^timeout=.*: give seconds"):
            await app.receive_nothing(wrong)
    assert app.doing() == "The application has not been started."


async def test_long_values_are_cut_in_the_transcript() -> None:
    """A body of megabytes costs nothing to record."""
    big = {"type": "http.response.body", "body": b"x" * 10_000_000}
    app = ApplicationCommunicator(sends(big), {"type": "http"})
    assert await app.receive_output() == big
    assert len(str(app.transcript)) < 300
    assert isinstance(app.transcript, Transcript)


@on("asyncio")
async def test_nothing_is_left_attached() -> None:
    """After the end the event loop is as it was found, and silent."""
    selector: Any = getattr(asyncio.get_running_loop(), "_selector")  # noqa: B009
    before = dict(vars(selector))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with ApplicationCommunicator(worker, WORKER) as app:
            await app.send_input(task(1))
            await app.receive_output()
    assert vars(selector).keys() == before.keys()
