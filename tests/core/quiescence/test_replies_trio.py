"""A reply is never missed, and after it silence is proved: trio."""

import os
import signal
import threading
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from tests.backends import on
from tests.core.quiescence.hops_threads import INSTANT
from tests.core.quiescence.hops_trio import HOPS
from tests.core.quiescence.rig import (
    GUARD,
    Hop,
    Reply,
    Spawn,
    Then,
    answering,
    connected,
    exchange,
    silence,
    through,
)
from wstest_core.quiescence import _threads, _trio

pytestmark = [pytest.mark.anyio, on("trio")]


async def directly(spawn: Spawn, then: Then) -> None:
    await then()


@pytest.mark.parametrize("hop", HOPS.values(), ids=HOPS.keys())
async def test_reply_arrives_and_then_silence_is_proved(hop: Hop) -> None:
    """However a reply comes about, it arrives; then nothing more can, proved."""
    async with connected(through(hop)) as driver:
        assert await exchange(driver, "first") == "first done"
        assert await exchange(driver, "second") == "second done"
        assert await silence(driver) == "proved"


async def test_timer_just_before_the_deadline_is_seen() -> None:
    """A timer a microsecond before a wait's deadline is not taken for it."""
    async with connected(through(directly)) as driver, trio.open_nursery() as nursery:
        for _ in range(20):
            deadline = trio.current_time() + INSTANT

            async def late(deadline: float = deadline) -> None:
                await trio.sleep_until(deadline - 1e-6)
                await driver.send("x")

            nursery.start_soon(late)
            await trio.lowlevel.checkpoint()
            left = deadline - trio.current_time()
            found = await driver.receive(timeout=left)
            while found != "x done":
                assert getattr(found, "kind", None) == "expired"
                found = await driver.receive(timeout=GUARD)


async def test_thread_that_ends_while_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a thread leaves behind in the last moment is seen."""
    look = _threads.outstanding
    endings: list[object] = []

    def ends_meanwhile(loop: object) -> object:
        found = look(loop)
        if endings:
            endings.pop()()  # type: ignore[operator]
        return found

    monkeypatch.setattr(_trio._threads, "outstanding", ends_meanwhile)

    async def hands_over(spawn: Spawn, then: Then) -> None:
        token = trio.lowlevel.current_trio_token()
        endings.append(lambda: token.run_sync_soon(spawn, then))

    async with connected(through(hands_over)) as driver:
        assert await exchange(driver, "x") == "x done"


async def test_ring_beside_a_thread_that_lives_on() -> None:
    """While another thread is looked at again and again, no reply is told late."""
    ending = threading.Event()
    thread = threading.Thread(target=ending.wait, daemon=True)
    thread.start()
    looks = [0.0005, 0.0015, 0.0035, 0.0075]  # after these a wait looks again

    async def late(text: str, spawn: Spawn, reply: Reply) -> None:
        await trio.sleep(float(text))
        await reply("done")

    async with connected(answering(late)) as driver:
        for number in range(200):
            delay = looks[number % len(looks)] + number % 50 * 1e-5
            assert await exchange(driver, str(delay)) == "done"
    ending.set()
    thread.join()


async def test_delay_of_wait_all_tasks_blocked() -> None:
    """What sleeps until all tasks have been blocked for a while is waited for."""

    async def blocked(spawn: Spawn, then: Then) -> None:
        await trio.testing.wait_all_tasks_blocked(5 * INSTANT)
        await then()

    async with connected(through(blocked)) as driver:
        assert await exchange(driver, "x") == "x done"


async def test_receiver_of_signals_may_answer() -> None:
    """While the process listens to a signal that others send, nothing is proved."""

    async def signalled(spawn: Spawn, then: Then) -> None:
        with trio.open_signal_receiver(signal.SIGUSR1) as signals:
            command = f"sleep {INSTANT}; kill -USR1 {os.getpid()}"
            os.posix_spawn("/bin/sh", ["sh", "-c", command], dict(os.environ))
            async for _ in signals:
                break
        await then()

    async with connected(through(signalled)) as driver:
        assert await exchange(driver, "x") == "x done"
        assert await silence(driver) == "proved"
    os.wait()


async def test_many_tasks_that_wait_for_sockets() -> None:
    """A wait is over at its deadline, however many sockets there are to count."""
    with ExitStack() as stack:
        async with trio.open_nursery() as nursery:
            for _ in range(300):
                ours, _ = map(stack.enter_context, trio.socket.socketpair())
                nursery.start_soon(ours.recv, 1)
            await trio.testing.wait_all_tasks_blocked()
            async with connected(through(directly)) as driver:
                found = await silence(driver, timeout=100 * INSTANT)
                assert found == "expired: a task waits for a socket or a pipe"
            nursery.cancel_scope.cancel()


async def test_users_timeouts_around_a_wait() -> None:
    """A user's own timeout ends the wait and loses nothing."""
    async with connected(through(HOPS["sleep"])) as driver:
        await driver.send("x")
        with trio.move_on_after(INSTANT / 10) as scope:
            await driver.receive(timeout=GUARD)
        assert scope.cancelled_caught
        assert await driver.receive(timeout=GUARD) == "x done"
        with trio.fail_after(GUARD):
            assert await exchange(driver, "y") == "y done"
