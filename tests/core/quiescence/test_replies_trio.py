"""A reply is never missed, and after it silence is proved: trio."""

import pytest
import trio

from tests.backends import on
from tests.core.quiescence.hops_threads import INSTANT
from tests.core.quiescence.hops_trio import HOPS
from tests.core.quiescence.rig import (
    GUARD,
    Hop,
    Spawn,
    Then,
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
