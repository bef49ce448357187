"""What is watched is left exactly as it was found."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.core.quiescence.rig import (
    GUARD,
    Handler,
    Reply,
    Spawn,
    answering,
    connected,
    exchange,
    silence,
)
from wstest_core import quiescence
from wstest_core.clock import virtual_clock
from wstest_core.drivers import AsgiDriver
from wstest_core.quiescence import _current
from wstest_core.scope import build_scope
from wstest_core.transcript import Transcript


async def echo(text: str, spawn: Spawn, reply: Reply) -> None:
    await reply(text)


async def crash(text: str, spawn: Spawn, reply: Reply) -> None:
    raise LookupError(text)


def state() -> tuple[dict[str, Any], dict[str, Any]]:
    loop: Any = asyncio.get_running_loop()
    return dict(vars(loop._selector)), {
        name: value for name, value in vars(loop).items() if callable(value)
    }


@contextmanager
def unchanged() -> Iterator[None]:
    """Check that the running loop and its selector have what they had."""
    before = state()
    yield
    after = state()
    assert after == before


async def converse(handle: Handler = echo) -> None:
    async with connected(answering(handle)) as driver:
        await exchange(driver, "x")
        await driver.receive(timeout=GUARD)


@pytest.mark.parametrize("handle", [echo, crash])
def test_after_use(handle: Handler) -> None:
    """After the last detach the loop is as before, with an error too."""

    async def main() -> None:
        with unchanged():
            await converse(handle)

    asyncio.run(main())


def test_after_cancellation() -> None:
    """A test that is cancelled in a wait leaves nothing behind."""

    async def main() -> None:
        with unchanged():
            task = asyncio.create_task(endless())
            await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    async def endless() -> None:
        async def ticking(text: str, spawn: Spawn, reply: Reply) -> None:
            while True:
                await asyncio.sleep(3600)

        async with connected(answering(ticking)) as driver:
            await exchange(driver, "x")

    asyncio.run(main())


def test_nested_attachments() -> None:
    """Several connections and a clock are counted; the last one restores."""

    async def main() -> None:
        with unchanged():
            async with connected(answering(echo)) as one:
                with virtual_clock():
                    async with connected(answering(echo)) as two:
                        assert await exchange(two, "x") == "x"
                        await asyncio.sleep(3600)
                    assert await exchange(one, "x") == "x"
                assert await exchange(one, "y") == "y"

    asyncio.run(main())


def test_loops_one_after_another_are_let_go() -> None:
    """A loop that was watched can be collected once it is closed."""
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def main() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await converse()

    for _ in range(3):
        asyncio.run(main())
    gc.collect()
    assert [loop() for loop in loops[:-1]] == [None, None]


def test_loops_in_threads_at_once() -> None:
    """Loops in several threads do not get into each other's way."""
    meet = threading.Barrier(4)

    async def main() -> bool:
        with unchanged():
            for _ in range(5):
                meet.wait(GUARD)
                async with connected(answering(echo)) as driver:
                    assert await exchange(driver, "x") == "x"
        return True

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(lambda: asyncio.run(main())) for _ in range(4)]
        assert all(job.result() for job in jobs)


def test_loop_closed_while_attached() -> None:
    """A loop that is closed too early is let go when the next one is watched."""
    loop: Any = asyncio.new_event_loop()
    selector = loop._selector
    before = dict(vars(selector))
    driver = AsgiDriver(answering(echo))

    async def open_only() -> None:
        await driver.open(build_scope("/"), Transcript("client"), timeout=GUARD)

    async def main() -> None:
        with unchanged():
            await converse()

    loop.run_until_complete(open_only())
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.wait(tasks))
    loop.close()
    asyncio.run(main())
    assert dict(vars(selector)).keys() == before.keys()
    assert loop not in _current._watches


def test_twice_the_same_loop() -> None:
    """Between two runs of the same loop it is as it was found."""
    with asyncio.Runner() as runner:
        loop: Any = runner.get_loop()
        for _ in range(2):
            runner.run(converse())
            assert "select" not in vars(loop._selector)
            assert "time" not in vars(loop)


def counting(calls: list[str], inner: Callable[..., Any]) -> Callable[..., Any]:
    def select(timeout: float | None = None) -> Any:
        calls.append("select")
        return inner(timeout)

    return select


def test_patch_from_before_is_kept_and_called() -> None:
    """A `select` that somebody had replaced works on, and is there after."""

    async def main() -> None:
        selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        calls: list[str] = []
        theirs = selector.select = counting(calls, selector.select)
        await converse()
        assert selector.select is theirs
        assert calls
        del selector.select

    asyncio.run(main())


def test_patch_put_over_ours_survives() -> None:
    """Who replaces `select` while we are attached is not disturbed, nor are we."""

    async def main() -> None:
        selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        calls: list[str] = []
        async with connected(answering(echo)) as driver:
            ours = selector.select
            theirs = selector.select = counting(calls, ours)
            assert await exchange(driver, "x") == "x"
            assert await silence(driver) == "proved"
        assert selector.select is theirs
        assert await asyncio.sleep(0.001, "works")
        for _ in range(2):
            async with connected(answering(echo)) as driver:
                assert await exchange(driver, "x") == "x"
                assert await silence(driver) == "proved"
        selector.select = ours  # they put back what they had found
        with virtual_clock():
            await asyncio.sleep(3600)
        assert "select" not in vars(selector)

    asyncio.run(main())


def test_patch_from_before_that_is_taken_away_with_ours() -> None:
    """Whoever throws our `select` away with theirs costs proofs, no hang."""

    async def main() -> None:
        selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        selector.select = counting([], selector.select)
        async with connected(answering(echo)) as driver:
            del selector.select
            assert await exchange(driver, "x") == "x"
            assert (await silence(driver, timeout=0.001)).startswith("expired")
        async with connected(answering(echo)) as driver:
            assert await silence(driver) == "proved"
        assert "select" not in vars(selector)

    asyncio.run(main())


def test_watch_is_one_a_loop() -> None:
    """In one loop everybody gets the same watch, attached or not."""

    async def main() -> None:
        watch = quiescence.watch()
        thread = threading.Thread(target=lambda: asyncio.run(converse()))
        thread.start()
        thread.join()
        assert quiescence.watch() is watch

    asyncio.run(main())


def test_pools_work_as_ever() -> None:
    """A pool's jobs give results, errors and cancellations as before."""

    async def main() -> None:
        async with connected(answering(echo)):
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(divmod, 7, 2).result() == (3, 1)
                with pytest.raises(ZeroDivisionError):
                    pool.submit(divmod, 7, 0).result()
                gate = threading.Event()
                pool.submit(gate.wait)
                waiting = pool.submit(divmod, 7, 2)
                assert waiting.cancel()
                gate.set()

    asyncio.run(main())
    asyncio.run(main())


@pytest.mark.asyncio
async def test_loop_of_pytest_asyncio() -> None:
    """The loop of a test is as before, within the test already."""
    with unchanged():
        await converse()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("_", range(2))
async def test_loop_of_pytest_asyncio_for_a_module(_: int) -> None:
    """A loop that several tests share is as before after each of them."""
    with unchanged(), virtual_clock():
        await converse()
        await asyncio.sleep(3600)
