"""Where a Python or a loop hides something there is no proof, and no error."""

import asyncio
import concurrent.futures.thread
import selectors
import sys
import threading
from typing import Any

import pytest

from tests.core.quiescence.hops_threads import INSTANT, POOL, own_pool
from tests.core.quiescence.rig import connected, exchange, silence, through
from wstest_core.clock import virtual_clock
from wstest_core.quiescence import _jobs


@pytest.fixture
def idle_thread() -> None:
    """A pool's idle worker: harmless, where that can be seen."""
    POOL.submit(int).result()


class Hidden(asyncio.SelectorEventLoop):
    """A loop that lacks one private attribute."""

    missing = ""

    def __getattribute__(self, name: str) -> Any:
        if name == type(self).missing:
            own = sys._getframe(1).f_globals["__name__"]
            if own.startswith("wstest_core"):
                raise AttributeError(name)
        return super().__getattribute__(name)


class NoMap(selectors.DefaultSelector):
    def get_map(self) -> Any:
        caller = sys._getframe(1).f_globals["__name__"]
        return None if caller.startswith("wstest_core") else super().get_map()


class Slotted:
    """A selector whose attributes cannot be changed."""

    __slots__ = ("_inner",)

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def select(self, timeout: float | None = None) -> Any:
        return self._inner.select(timeout)


async def no_proof() -> str:
    async with connected(through(own_pool)) as driver:
        assert await exchange(driver, "x") == "x done"
        return await silence(driver, timeout=INSTANT)


def run(loop: asyncio.AbstractEventLoop, main: Any) -> Any:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


@pytest.mark.parametrize("name", ["_selector", "_ready", "_scheduled"])
def test_loop_that_hides_itself(name: str) -> None:
    """Without selector, ready queue and timers in sight, silence expires."""
    loop = type("Opaque", (Hidden,), {"missing": name})()
    found = run(loop, no_proof())
    assert found == "expired: Opaque does not show what it waits for"


def test_loop_that_hides_its_pipe() -> None:
    """Without the wake-up pipe in sight, silence expires."""
    loop = type("Opaque", (Hidden,), {"missing": "_ssock"})()
    found = run(loop, no_proof())
    assert found == "expired: the event loop does not show its sockets"


def test_selector_that_hides_its_sockets() -> None:
    """Without the selector's map in sight, silence expires."""
    found = run(asyncio.SelectorEventLoop(NoMap()), no_proof())
    assert found == "expired: the event loop does not show its sockets"


def test_selector_that_cannot_be_changed() -> None:
    """A selector with slots is left alone, and silence expires."""
    slotted: Any = Slotted()
    found = run(asyncio.SelectorEventLoop(slotted), no_proof())
    assert found.endswith("EventLoop does not show what it waits for")


@pytest.mark.usefixtures("idle_thread")
def test_no_frames_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a look at other threads there is no proof, nobody else alive or not."""
    monkeypatch.delattr(sys, "_current_frames")
    found = asyncio.run(no_proof())
    assert found == "expired: this Python does not show its threads"


@pytest.mark.usefixtures("idle_thread")
def test_no_work_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where jobs cannot be counted, a worker thread stands in a proof's way."""

    monkeypatch.setattr(_jobs, "_counting", None)
    found = asyncio.run(no_proof())
    assert found == "expired: a job of a thread pool is not finished"


@pytest.mark.usefixtures("idle_thread")
def test_no_queues_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose queue cannot be seen stands in a proof's way."""
    monkeypatch.setattr(concurrent.futures.thread, "_threads_queues", {})
    found = asyncio.run(no_proof())
    assert found.startswith("expired: thread '")
    assert " is alive, in _worker() at " in found


def test_unknown_thread_is_named() -> None:
    """A thread nobody knows stands in a proof's way, with its name and place."""
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="stranger")
    thread.start()
    try:
        found = asyncio.run(no_proof())
    finally:
        gate.set()
        thread.join()
    assert found.startswith("expired: thread 'stranger' is alive, in wait()")


def test_virtual_clock_says_what_it_needs() -> None:
    """A loop whose time cannot be driven says so, in one sentence."""
    loop = type("Opaque", (Hidden,), {"missing": "_selector"})()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="the time of Opaque cannot be driven"):
            virtual_clock().__enter__()

    run(loop, main())
