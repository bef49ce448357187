"""Other threads: those that wait are harmless, those that work are waited for."""

import asyncio
import functools
import gc
import multiprocessing
import os
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
import trio
from asgiref.sync import async_to_sync, sync_to_async

from tests.backends import on
from tests.core.quiescence.hops_asyncio import QUICK
from tests.core.quiescence.hops_threads import INSTANT, POOL, safely, work
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
from wstest_core import settings
from wstest_core.quiescence import _places, _threads, parked

THREADED = [name for name in QUICK if "thread" in name or "sync" in name]


async def main_of(hop: Hop) -> list[object]:
    async with connected(through(hop)) as driver:
        return [await exchange(driver, "x"), await silence(driver)]


async def directly(spawn: Spawn, then: Then) -> None:
    await then()


@pytest.mark.parametrize("name", THREADED)
def test_main_thread_parked_in_async_to_sync(name: str) -> None:
    """Django's way: the main thread runs sync code for the loop, or is parked."""
    assert async_to_sync(main_of)(QUICK[name]) == ["x done", "proved"]


def test_main_thread_parked_with_work_for_it() -> None:
    """Work that the parked main thread was given is waited for, again and again."""

    async def main() -> None:
        main_thread = sync_to_async(threading.get_ident)
        in_main = sync_to_async(work)

        async def handle(text: str, spawn: Spawn, reply: Reply) -> None:
            for _ in range(20):
                await in_main()
            await reply(str(await main_thread()))

        async with connected(answering(handle)) as driver:
            assert await exchange(driver, "x") == str(threading.main_thread().ident)
            assert await silence(driver) == "proved"

    async_to_sync(main)()


@pytest.mark.parametrize("name", ["thread_sensitive", "to_thread", "sync_and_back"])
def test_async_to_sync_inside_a_thread(name: str) -> None:
    """The whole test in a thread, with a parked one behind it."""

    async def outer() -> list[object]:
        return await sync_to_async(async_to_sync(main_of))(QUICK[name])

    found = asyncio.run(outer())
    assert found == ["x done", "proved"]


@pytest.mark.anyio
@on("asyncio")
async def test_consumer_parked_in_async_to_sync() -> None:
    """A sync consumer that waits for the loop for ever stands in nobody's way."""
    left = asyncio.Event()

    async def handle(text: str, spawn: Spawn, reply: Reply) -> None:
        def consumer() -> None:
            async_to_sync(reply)("got it")
            async_to_sync(left.wait)()

        async def consume() -> None:
            await sync_to_async(consumer, thread_sensitive=False)()
            await reply("left")

        spawn(consume)

    async with connected(answering(handle)) as driver:
        assert await exchange(driver, "x") == "got it"
        assert await silence(driver) == "proved"
        left.set()
        assert await driver.receive(timeout=GUARD) == "left"


def test_main_thread_in_a_portal() -> None:
    """The main thread waits for a portal's loop, in another thread."""
    with anyio.from_thread.start_blocking_portal("asyncio") as portal:
        assert portal.call(main_of, QUICK["to_thread"]) == ["x done", "proved"]


def test_main_thread_joins_the_loops_thread() -> None:
    """The main thread waits for the end of the thread that runs the loop."""
    found: list[object] = []
    thread = threading.Thread(
        target=lambda: found.extend(asyncio.run(main_of(QUICK["own_pool"])))
    )
    thread.start()
    thread.join()
    assert found == ["x done", "proved"]


def test_idle_workers_of_all_kinds() -> None:
    """Workers that other loops and runs left behind do not prevent a proof."""

    async def use_anyio() -> None:
        await anyio.to_thread.run_sync(work)

    pool = ThreadPoolExecutor(3)
    list(pool.map(lambda _: work(), range(3)))
    with asyncio.Runner() as other:
        other.run(use_anyio())
        trio.run(use_anyio)
        assert asyncio.run(main_of(QUICK["anyio_thread"])) == ["x done", "proved"]
        assert trio.run(main_of, directly) == ["x done", "proved"]
    pool.shutdown()


def test_thread_with_a_loop_of_its_own() -> None:
    """A loop in a thread may call ours; while it lives nothing is proved."""

    async def nested(spawn: Spawn, then: Then) -> None:
        answer = safely(spawn, then)

        async def elsewhere() -> None:
            await asyncio.sleep(INSTANT)
            answer()

        threading.Thread(target=lambda: asyncio.run(elsewhere())).start()

    assert asyncio.run(main_of(nested)) == ["x done", "proved"]


def test_process_pool() -> None:
    """A reply that another process computes is not missed."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:

        async def elsewhere(spawn: Spawn, then: Then) -> None:
            await asyncio.get_running_loop().run_in_executor(pool, os.getpid)
            await then()

        async def main() -> None:
            async with connected(through(elsewhere)) as driver:
                await driver.send("x")
                assert await driver.receive(timeout=10 * GUARD) == "x done"

        asyncio.run(main())


def test_worker_that_moves_while_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that did something since the look began is not at rest."""
    rules = _threads._RULES
    gates: list[threading.Event] = []

    def lets_go(thread: threading.Thread, frame: Any) -> bool:
        harmless = any(rule(thread, frame) for rule in rules)
        if harmless and gates:
            gates.pop().set()
            done.wait(GUARD)
        return harmless

    done = threading.Event()
    monkeypatch.setattr(_threads, "_RULES", (lets_go,))

    async def relayed(spawn: Spawn, then: Then) -> None:
        gate = threading.Event()

        def late() -> None:
            work()
            answer()

        def job() -> None:
            gate.wait(GUARD)
            threading.Thread(target=late).start()
            done.set()

        answer = safely(spawn, then)
        POOL.submit(job)
        gates.append(gate)

    assert asyncio.run(main_of(relayed)) == ["x done", "proved"]


def test_promise_to_be_parked() -> None:
    """A thread that promises to wait for a loop is believed."""
    gate, ready = threading.Event(), threading.Event()

    def wait(promise: Callable[[], Any]) -> None:
        with promise():
            ready.set()
            gate.wait()

    thread = threading.Thread(target=wait, args=(parked,))
    thread.start()
    ready.wait()
    try:
        assert asyncio.run(main_of(directly)) == ["x done", "proved"]
    finally:
        gate.set()
        thread.join()


def test_threads_named_harmless() -> None:
    """A setting names threads that never talk to the application."""
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="metrics-7")
    thread.start()
    try:
        with settings.override(harmless_threads=("metrics-*",)):
            assert asyncio.run(main_of(directly)) == ["x done", "proved"]
    finally:
        gate.set()
        thread.join()


@pytest.mark.anyio
@on("asyncio", "trio")
async def test_a_thread_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stands is put in words for the failure, and not at each look.

    It is the line of the user's, not of the primitive that it has called.
    """
    gate, worded = threading.Event(), list[object]()

    def short(code: object) -> str:
        worded.append(code)
        return "a.py"

    monkeypatch.setattr(_places, "_short", short)

    def waits() -> None:
        gate.wait()

    thread = threading.Thread(target=waits, name="other")
    thread.start()
    try:
        async with connected(through(directly)) as driver:
            found = await silence(driver, timeout=10 * INSTANT)
    finally:
        gate.set()
        thread.join()
    assert found.startswith("expired: thread 'other' is alive, in waits() at a.py:")
    assert len(worded) == 1


@pytest.mark.anyio
@on("asyncio", "trio")
async def test_busy_thread_that_has_nothing_to_say() -> None:
    """A wait takes as long as the thread, not as long as its timeout."""

    async def busy(text: str, spawn: Spawn, reply: Reply) -> None:
        spawn(functools.partial(anyio.to_thread.run_sync, time.sleep, 10 * INSTANT))
        await reply("begun")

    async with connected(answering(busy)) as driver:
        assert await exchange(driver, "x") == "begun"
        assert await silence(driver) == "proved"


@pytest.mark.anyio
@on("asyncio")
async def test_worker_with_a_queue_of_its_own() -> None:
    """A thread at an empty queue is harmless; what it is handed is waited for."""
    work_for: queue.Queue[Callable[[], None] | None] = queue.Queue()

    def worker() -> None:
        while (job := work_for.get()) is not None:
            time.sleep(INSTANT)
            job()

    async def hand_over(text: str, spawn: Spawn, reply: Reply) -> None:
        loop = asyncio.get_running_loop()

        def answer() -> None:
            asyncio.run_coroutine_threadsafe(reply(text), loop)

        work_for.put(answer)

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        async with connected(answering(hand_over)) as driver:
            assert await silence(driver) == "proved"
            for number in range(20):
                assert await exchange(driver, str(number)) == str(number)
            assert await silence(driver) == "proved"
    finally:
        work_for.put(None)
        thread.join()


class OneSlot(queue.Queue[object]):
    """Keeps its items elsewhere than `queue.Queue` does."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.kept: list[object] = []

    def _qsize(self) -> int:
        return len(self.kept)

    def _put(self, item: object) -> None:
        self.kept.append(item)

    def _get(self) -> object:
        return self.kept.pop()


async def woken(own: "queue.Queue[Any]", wake: Callable[[], None]) -> None:
    """Let a thread that waits in a queue answer when it is woken."""
    leaving = threading.Event()

    def relay() -> None:
        with suppress(Exception):  # ShutDown
            own.get()
        wake_up.pop()()
        leaving.wait()

    wake_up: list[Callable[[], object]] = []

    async def asked(spawn: Spawn, then: Then) -> None:
        wake_up.append(safely(spawn, then))
        wake()

    thread = threading.Thread(target=relay)
    thread.start()
    async with connected(through(asked)) as driver:
        assert await exchange(driver, "x") == "x done"
        leaving.set()
        thread.join()
        assert await silence(driver) == "proved"


@pytest.mark.anyio
@on("asyncio")
@pytest.mark.parametrize("_", range(20))
async def test_queue_that_keeps_its_items_elsewhere(_: int) -> None:
    """A queue is asked itself whether it is empty."""
    own = OneSlot()
    await woken(own, lambda: own.put(None))


@pytest.mark.skipif(sys.version_info < (3, 13), reason="shutdown came with 3.13")
@pytest.mark.anyio
@on("asyncio")
@pytest.mark.parametrize("_", range(20))
async def test_queue_that_is_shut_down(_: int) -> None:
    """A thread that the end of its queue has woken is at work, though it is empty."""
    own: Any = queue.Queue()
    await woken(own, lambda: own.shutdown())


def test_an_interrupted_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector is as it was, at whatever moment somebody presses Ctrl-C."""
    disable = gc.disable

    def interrupted() -> None:
        disable()
        raise KeyboardInterrupt

    monkeypatch.setattr(gc, "disable", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _threads.outstanding(None)
    assert gc.isenabled()
    monkeypatch.undo()
    _threads.outstanding(None)  # nothing is locked either
    assert gc.isenabled()


@pytest.mark.parametrize("threads", [0, 1])
def test_a_look_keeps_nothing_alive(threads: int) -> None:
    """What was in the hands of those that have called is freed as ever."""

    class Held:
        """Something of a test's."""

    def looks() -> "weakref.ref[Held]":
        held = Held()
        _threads.outstanding(None)
        return weakref.ref(held)

    gate = threading.Event()
    others = [threading.Thread(target=gate.wait) for _ in range(threads)]
    for thread in others:
        thread.start()
    gc.disable()
    try:
        assert looks()() is None
    finally:
        gc.enable()
        gate.set()
        for thread in others:
            thread.join()


def test_no_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a thread stands is said also where the directory is gone."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="other")
    thread.start()
    try:
        assert "'other' is alive, in " in str(_threads.outstanding(None))
    finally:
        gate.set()
        thread.join()
