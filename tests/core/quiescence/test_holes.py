"""Where a proof would be wrong, though everything looks at rest: asyncio."""

import asyncio
import os
import signal
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import anyio
import pytest

from tests.backends import on
from tests.core.quiescence.hops_threads import INSTANT, safely, work
from tests.core.quiescence.rig import (
    GUARD,
    Spawn,
    Then,
    connected,
    exchange,
    silence,
    through,
)
from wstest_core.events import Silence

pytestmark = [pytest.mark.anyio, on("asyncio", "asyncio-eager")]


async def directly(spawn: Spawn, then: Then) -> None:
    await then()


async def test_timeout_of_another_wait_is_something_that_may_happen() -> None:
    """A wait's own timeout may be what makes another client's reply come."""
    async with connected(through(directly)) as one, connected(through(directly)) as two:

        async def gives_up() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(INSTANT):
                    await one.receive(timeout=GUARD)
            await two.send("x")

        _, reply = await asyncio.gather(gives_up(), two.receive(timeout=GUARD / 2))
    assert reply == "x done"


async def test_scope_of_other_tasks_is_something_that_may_happen() -> None:
    """An anyio scope that ends other tasks too is not only this wait's timeout."""
    async with connected(through(directly)) as driver:

        async def says_goodbye() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await driver.send("x")

        with anyio.move_on_after(INSTANT):
            async with anyio.create_task_group() as group:
                group.start_soon(says_goodbye)
                early = await driver.receive(timeout=GUARD)
                assert isinstance(early, str), early
        assert await driver.receive(timeout=GUARD) == "x done"


async def test_timeout_around_a_wait_does_not_stand_in_a_proofs_way() -> None:
    """A wait that would only be ended by its own timeout is told at once."""
    async with connected(through(directly)) as driver:
        async with asyncio.timeout(GUARD):
            assert await silence(driver, timeout=2 * GUARD) == "proved"
        with anyio.fail_after(GUARD):
            assert await silence(driver, timeout=2 * GUARD) == "proved"


async def test_wait_for_does_not_stand_in_a_proofs_way() -> None:
    """Nor does asyncio.wait_for(), which on Python 3.11 makes a task of the wait."""
    async with connected(through(directly)) as driver:
        found = await asyncio.wait_for(driver.receive(timeout=2 * GUARD), GUARD)
        assert isinstance(found, Silence)
        assert found.kind == "proved"


async def test_wait_for_around_another_wait_is_something_that_may_happen() -> None:
    """The end of another client's wait_for() may be what makes a reply come."""
    async with connected(through(directly)) as one, connected(through(directly)) as two:

        async def gives_up() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(one.receive(timeout=GUARD), INSTANT)
            await two.send("x")

        _, reply = await asyncio.gather(gives_up(), two.receive(timeout=GUARD / 2))
    assert reply == "x done"


async def test_asyncio_wait_around_a_wait_is_something_that_may_happen() -> None:
    """The end of asyncio.wait() cancels nothing: what it wakes may still act."""
    async with connected(through(directly)) as driver:
        waiting = asyncio.ensure_future(driver.receive(timeout=GUARD))

        async def looks_on() -> None:
            await asyncio.wait([waiting], timeout=INSTANT)
            await driver.send("x")

        await looks_on()
        assert await waiting == "x done"


async def test_loop_whose_time_was_patched() -> None:
    """What the time of a loop was once, in an earlier test, does not matter later."""
    loop = asyncio.get_running_loop()
    with pytest.MonkeyPatch.context() as patch:
        stopped = loop.time()
        patch.setattr(loop, "time", lambda: stopped)
        async with connected(through(directly)) as driver:
            assert await exchange(driver, "x") == "x done"
    async with connected(through(directly)) as driver:
        loop.call_later(INSTANT, lambda: asyncio.ensure_future(driver.send("x")))
        assert await driver.receive(timeout=GUARD) == "x done"


async def test_handler_of_a_signal_may_answer() -> None:
    """While the process listens to a signal that others send, nothing is proved."""
    loop, mine = asyncio.get_running_loop(), os.getpid()

    async def signalled(spawn: Spawn, then: Then) -> None:
        answer = safely(spawn, then)
        signal.signal(signal.SIGUSR1, lambda *_: answer())
        loop.run_in_executor(None, work)
        child = await asyncio.create_subprocess_exec("kill", "-USR1", str(mine))
        spawn(through_the_end_of(child))

    def through_the_end_of(child: asyncio.subprocess.Process) -> Then:
        async def reap() -> None:
            await child.wait()

        return reap

    before = signal.getsignal(signal.SIGUSR1)
    try:
        async with connected(through(signalled)) as driver:
            assert await exchange(driver, "x") == "x done"
            found = await silence(driver, timeout=INSTANT)
            assert found == "expired: the process listens to SIGUSR1"
    finally:
        signal.signal(signal.SIGUSR1, before)


async def test_machine_that_stands_still_ends_no_wait() -> None:
    """A reply that is due wins over a deadline, however late the loop turns."""

    async def stalls(spawn: Spawn, then: Then) -> None:
        time.sleep(0.2)  # as a machine does that gives others their turn
        await directly_after_some_turns(then)

    async def directly_after_some_turns(then: Then) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        await then()

    async with connected(through(stalls)) as driver:
        await driver.send("x")
        assert await driver.receive(timeout=INSTANT) == "x done"


async def test_loop_that_is_always_busy_ends_a_wait() -> None:
    """A wait is over some turns after its deadline, if the loop never rests."""

    async def restless() -> None:
        while True:
            await asyncio.sleep(0)

    busy = asyncio.ensure_future(restless())
    async with connected(through(directly)) as driver:
        found = await driver.receive(timeout=INSTANT)
        assert found == Silence("expired", "the event loop did not come to rest")
        busy.cancel()


async def test_timeout_around_a_wait_that_ends_before_a_reply() -> None:
    """A user's own timeout ends a wait for what would come later, as ever."""

    async def late(spawn: Spawn, then: Then) -> None:
        asyncio.get_running_loop().call_later(100 * INSTANT, spawn, then)

    async with connected(through(late)) as driver:
        await driver.send("x")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(INSTANT):
                await driver.receive(timeout=GUARD)
        with anyio.move_on_after(INSTANT) as scope:
            await driver.receive(timeout=GUARD)
        assert scope.cancelled_caught
        with anyio.move_on_after(INSTANT), anyio.CancelScope(shield=True):
            assert await driver.receive(timeout=GUARD) == "x done"
        assert await silence(driver) == "proved"


async def test_job_of_a_pool_from_before_the_connection_is_seen() -> None:
    """A job that was handed in before anything was watched still counts."""
    received: list[Then] = []
    gate = threading.Event()
    loop = asyncio.get_running_loop()

    async def keep(spawn: Spawn, then: Then) -> None:
        received.append(then)
        gate.set()

    def job() -> None:
        gate.wait()
        work()
        loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(received[0]())))

    tasks: list[asyncio.Task[None]] = []
    with ThreadPoolExecutor(1) as pool:
        pool.submit(job)
        pool.submit(work)
        async with connected(through(keep)) as driver:
            assert await exchange(driver, "x") == "x done"
            assert await silence(driver) == "proved"


async def test_signal_that_the_loop_handles_may_arrive() -> None:
    """There is no proof while the loop listens to signals; a reply to one comes."""

    async def on_signal(spawn: Spawn, then: Then) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGALRM, spawn, then)
        signal.setitimer(signal.ITIMER_REAL, INSTANT)

    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals are for the main thread")
    before = signal.getsignal(signal.SIGALRM)
    remaining = signal.getitimer(signal.ITIMER_REAL)
    try:
        async with connected(through(on_signal)) as driver:
            assert await exchange(driver, "x") == "x done"
            found = await silence(driver, timeout=INSTANT)
            assert found == "expired: the event loop listens to signals"
            asyncio.get_running_loop().remove_signal_handler(signal.SIGALRM)
            assert await silence(driver) == "proved"
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *remaining)


async def test_cancelled_and_broken_jobs_are_not_waited_for() -> None:
    """Jobs that will never run do not stand in a proof's way."""
    async with connected(through(directly)) as driver:
        gate = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(gate.wait)
            left = pool.submit(work)
            pool.shutdown(wait=False, cancel_futures=True)
            gate.set()
        assert left.cancelled()
        broken = ThreadPoolExecutor(1, initializer=sys.exit)
        jobs = [broken.submit(work) for _ in range(2)]
        broken.shutdown()
        assert all(job.exception() for job in jobs)
        assert await silence(driver) == "proved"


async def test_wait_whose_release_feeds_another() -> None:
    """What one wait's end causes is there before the other's is judged."""
    async with connected(through(directly)) as one, connected(through(directly)) as two:

        async def passes_on() -> None:
            assert isinstance(await one.receive(timeout=GUARD / 2), Silence)
            await two.send("x")

        _, reply = await asyncio.gather(passes_on(), two.receive(timeout=GUARD))
    assert reply == "x done"


async def test_timer_at_the_horizon_comes_first() -> None:
    """What is due exactly when the wait ends arrives in time."""
    loop = asyncio.get_running_loop()
    with pytest.MonkeyPatch.context() as patch:
        async with connected(through(directly)) as driver:
            await driver.send("warm up")
            await driver.receive(timeout=GUARD)
            now = loop.time()
            patch.setattr(loop, "time", lambda: now)
            loop.call_at(now + INSTANT, lambda: asyncio.ensure_future(driver.send("x")))
            waiting = asyncio.ensure_future(driver.receive(timeout=INSTANT))
            await asyncio.sleep(0)
            patch.undo()
            assert await waiting == "x done"


async def test_thread_parked_in_a_future_that_a_job_completes() -> None:
    """A thread that waits for a future is an obstacle once that is done."""

    async def relayed(spawn: Spawn, then: Then) -> None:
        promised: Future[None] = Future()
        answer = safely(spawn, then)
        threading.Thread(target=lambda: (promised.result(), answer())).start()
        asyncio.get_running_loop().call_later(INSTANT, promised.set_result, None)

    async with connected(through(relayed)) as driver:
        assert await exchange(driver, "x") == "x done"
        assert await silence(driver) == "proved"
