"""Virtual time: it jumps over waits, and over nothing else."""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest
import trio
import trio.testing

from tests.backends import on
from tests.core.quiescence.hops_threads import POOL
from tests.core.quiescence.rig import (
    Reply,
    Spawn,
    answering,
    connected,
    exchange,
    silence,
)
from wstest_core.clock import VirtualClock, virtual_clock
from wstest_core.events import Silence

HOUR = 3600.0

Main = Callable[[VirtualClock], Awaitable[None]]


def on_asyncio(main: Main) -> None:
    async def test() -> None:
        with virtual_clock() as clock:
            await main(clock)

    asyncio.run(test())


def on_trio(main: Main) -> None:
    async def test() -> None:
        with virtual_clock() as clock:
            await main(clock)

    trio.run(test, clock=trio.testing.MockClock())


@pytest.fixture(params=[on_asyncio, on_trio], ids=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Callable[[Main], None]:
    """Run a coroutine function in virtual time, in no more than a little real."""
    start = time.monotonic()

    def within(main: Main) -> None:
        request.param(main)
        assert time.monotonic() - start < HOUR / 60

    return within


Run = Callable[[Main], None]


async def heart(text: str, spawn: Spawn, reply: Reply) -> None:
    async def beat() -> None:
        for _ in range(int(text)):
            await anyio.sleep(30)
            await reply("beat")

    spawn(beat)


async def naps(text: str, spawn: Spawn, reply: Reply) -> None:
    await anyio.sleep(float(text))
    await reply(text)


async def all_at_once(text: str, spawn: Spawn, reply: Reply) -> None:
    for seconds in text.split():

        async def nap(seconds: str = seconds) -> None:
            await anyio.sleep(float(seconds))
            await reply(seconds)

        spawn(nap)


def test_an_hour_passes_at_once(run: Run) -> None:
    """An application that sleeps an hour answers, and an hour has passed."""

    async def main(clock: VirtualClock) -> None:
        async with connected(answering(naps)) as driver:
            await driver.send(str(HOUR))
            assert await driver.receive(timeout=2 * HOUR) == str(HOUR)
            assert HOUR <= clock.elapsed < HOUR + 60
            assert await silence(driver, timeout=HOUR) == "proved"

    run(main)


def test_order_of_timers_is_kept(run: Run) -> None:
    """Whoever sleeps shorter answers first."""

    async def main(clock: VirtualClock) -> None:
        async with connected(answering(all_at_once)) as driver:
            await driver.send("500 3 70 0.5 3600 70.5")
            found = [await driver.receive(timeout=HOUR + 1) for _ in range(6)]
            assert found == ["0.5", "3", "70", "70.5", "500", "3600"]
            assert HOUR <= clock.elapsed < HOUR + 60

    run(main)


def test_timeouts_count_virtual_time(run: Run) -> None:
    """A heartbeat at 30 seconds is seen within 60 and at 30, but not within 29."""

    async def main(clock: VirtualClock) -> None:
        async with connected(answering(heart)) as driver:
            await driver.send("3")
            assert (await silence(driver, timeout=29)).startswith("proved")
            assert await driver.receive(timeout=2) == "beat", "29 s have passed"
            assert 30 <= clock.elapsed < 35
            assert await driver.receive(timeout=31) == "beat"
            assert await driver.receive(timeout=31) == "beat"
            assert await silence(driver, timeout=HOUR) == "proved"

    run(main)


def test_beat_exactly_at_the_end_of_a_wait_is_seen() -> None:
    """What is due at the very moment a wait ends is in time."""

    async def main(clock: VirtualClock) -> None:
        async with connected(answering(heart)) as driver:
            await driver.send("1")
            await anyio.sleep(0)
            assert await driver.receive(timeout=30) == "beat"

    on_trio(main)


def test_users_timeouts_count_virtual_time(run: Run) -> None:
    """`anyio.fail_after` and `move_on_after` around other waits jump too."""

    async def main(clock: VirtualClock) -> None:
        with anyio.move_on_after(HOUR):
            await anyio.sleep_forever()
        assert HOUR <= clock.elapsed < HOUR + 60
        with pytest.raises(TimeoutError), anyio.fail_after(60):
            await anyio.sleep(61)

    run(main)


def test_no_jump_while_a_thread_works(run: Run) -> None:
    """An hour's sleep does not overtake a thread."""
    order: list[str] = []

    async def main(clock: VirtualClock) -> None:
        async def worker() -> None:
            await anyio.to_thread.run_sync(time.sleep, 0.02)
            order.append(f"thread, {clock.elapsed < 60}")

        async def sleeper() -> None:
            await anyio.sleep(HOUR)
            order.append("sleeper")

        async with anyio.create_task_group() as group:
            group.start_soon(sleeper)
            group.start_soon(worker)

    run(main)
    assert order == ["thread, True", "sleeper"]


@contextmanager
def late_pipe() -> Iterator[int]:
    """Yield the reading end of a pipe that is written to some milliseconds later."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)

    def write() -> None:
        time.sleep(0.02)
        os.write(writing, b"x")

    job = POOL.submit(write)
    try:
        yield reading
    finally:
        job.result()
        os.close(reading)
        os.close(writing)


def test_no_jump_while_a_socket_is_waited_for(run: Run) -> None:
    """An hour's sleep does not overtake what somebody reads."""
    order: list[str] = []

    async def main(clock: VirtualClock) -> None:
        async def reader() -> None:
            with late_pipe() as pipe:
                await anyio.wait_readable(pipe)
            order.append(f"reader, {clock.elapsed < 60}")

        async def sleeper() -> None:
            await anyio.sleep(HOUR)
            order.append("sleeper")

        async with anyio.create_task_group() as group:
            group.start_soon(sleeper)
            group.start_soon(reader)

    run(main)
    assert order[0] == "reader, True"
    assert order[1] == "sleeper"


def test_wait_expires_while_a_thread_does_not_end(run: Run) -> None:
    """A thread that keeps working does not hang a wait."""
    gate = threading.Event()

    async def stuck(text: str, spawn: Spawn, reply: Reply) -> None:
        await anyio.to_thread.run_sync(gate.wait)
        await reply("free")

    async def main(clock: VirtualClock) -> None:
        async with connected(answering(stuck)) as driver:
            await driver.send("x")
            found = await driver.receive(timeout=0.05)
            assert isinstance(found, Silence)
            assert found.kind == "expired"
            gate.set()
            assert await driver.receive(timeout=HOUR) == "free"

    run(main)


def test_wait_expires_while_a_socket_is_waited_for(run: Run) -> None:
    """A socket that stays silent does not hang a wait."""

    async def stuck(text: str, spawn: Spawn, reply: Reply) -> None:
        await anyio.wait_readable(pipe)
        await reply("free")

    async def main(clock: VirtualClock) -> None:
        async with connected(answering(stuck)) as driver:
            await driver.send("x")
            found = await driver.receive(timeout=0.05)
            assert isinstance(found, Silence)
            assert found.kind == "expired"
            os.write(writing, b"x")
            assert await driver.receive(timeout=HOUR) == "free"

    pipe, writing = os.pipe()
    try:
        run(main)
    finally:
        os.close(pipe)
        os.close(writing)


@pytest.mark.anyio
@on("asyncio", "asyncio-eager")
async def test_pending_timers_keep_their_distance() -> None:
    """What was to happen in five seconds still is, when real time comes back."""
    loop: Any = asyncio.get_running_loop()
    real = loop.time
    with ExitStack() as clock_of_the_test:
        clock = clock_of_the_test.enter_context(virtual_clock())
        timer = loop.call_later(HOUR + 5, int)
        timeout = asyncio.timeout(HOUR + 7)
        async with timeout:
            await asyncio.sleep(HOUR)
            assert clock.elapsed >= HOUR
            clock_of_the_test.pop_all().close()
            assert timer.when() - loop.time() == pytest.approx(5, abs=1)
            assert (timeout.when() or 0) - loop.time() == pytest.approx(7, abs=1)
    assert loop.time == real
    timer.cancel()


@pytest.mark.anyio
@on("asyncio")
async def test_scope_entered_before_the_jump_is_shifted_back() -> None:
    """Its deadline is moved back together with the loop's time."""
    loop = asyncio.get_running_loop()
    with anyio.move_on_after(HOUR + 0.01) as scope:
        with virtual_clock():
            await asyncio.sleep(HOUR)
        assert scope.deadline - loop.time() == pytest.approx(0.01, abs=0.009)
        begun = loop.time()
        await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert loop.time() - begun < 1


@pytest.mark.anyio
@on("asyncio")
async def test_clocks_are_counted() -> None:
    """Within one clock another changes nothing; time is real after the last."""
    loop: Any = asyncio.get_running_loop()
    with virtual_clock() as outer:
        with virtual_clock():
            await asyncio.sleep(HOUR)
        assert outer.elapsed >= HOUR
        async with connected(answering(naps)) as driver:
            assert await exchange(driver, "1") == "1"
    assert "time" not in vars(loop)
