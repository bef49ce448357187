"""Ways on which a reply can take its time in threads, on asyncio."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import anyio
import anyio.to_thread
from asgiref.sync import async_to_sync, sync_to_async

from tests.core.quiescence.rig import Hop, Spawn, Then

INSTANT = 0.002  # seconds; how long something takes that takes time

# Pools that live on, with idle workers: those must not stand in a proof's way.
POOL = ThreadPoolExecutor(2, thread_name_prefix="lasting")


def work() -> None:
    time.sleep(INSTANT)


def safely(spawn: Spawn, then: Then) -> Callable[..., None]:
    """Return a function for other threads that starts `then` in this loop."""
    loop = asyncio.get_running_loop()
    return lambda *_: loop.call_soon_threadsafe(spawn, then)


async def to_thread(spawn: Spawn, then: Then) -> None:
    await asyncio.to_thread(work)
    await then()


async def own_pool(spawn: Spawn, then: Then) -> None:
    await asyncio.get_running_loop().run_in_executor(POOL, work)
    await then()


async def own_pool_shut_down(spawn: Spawn, then: Then) -> None:
    with ThreadPoolExecutor(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, work)
    await then()


async def submitted(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def job() -> None:
        work()
        answer()

    POOL.submit(job)


async def submitted_with_callback(spawn: Spawn, then: Then) -> None:
    POOL.submit(work).add_done_callback(safely(spawn, then))


async def wrapped(spawn: Spawn, then: Then) -> None:
    await asyncio.wrap_future(POOL.submit(work))
    await then()


async def job_that_submits(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def job() -> None:
        POOL.submit(work).add_done_callback(answer)

    POOL.submit(job)


async def job_that_starts_a_thread(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def late() -> None:
        work()
        answer()

    POOL.submit(lambda: threading.Thread(target=late).start())


async def cancelled_job(spawn: Spawn, then: Then) -> None:
    started = threading.Event()

    def job() -> None:
        started.set()
        work()

    waiting = asyncio.ensure_future(asyncio.to_thread(job))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await then()


async def coroutine_from_thread(spawn: Spawn, then: Then) -> None:
    loop = asyncio.get_running_loop()

    async def run() -> None:
        await then()

    def job() -> None:
        work()
        asyncio.run_coroutine_threadsafe(run(), loop).result()

    await asyncio.to_thread(job)


async def thread_sensitive(spawn: Spawn, then: Then) -> None:
    await sync_to_async(work)()
    await then()


async def not_thread_sensitive(spawn: Spawn, then: Then) -> None:
    await sync_to_async(work, thread_sensitive=False)()
    await then()


async def sync_and_back(spawn: Spawn, then: Then) -> None:
    async def run() -> None:
        await asyncio.sleep(INSTANT)
        await then()

    await sync_to_async(async_to_sync(run))()


async def anyio_thread(spawn: Spawn, then: Then) -> None:
    await anyio.to_thread.run_sync(work)
    await then()


async def anyio_own_limiter(spawn: Spawn, then: Then) -> None:
    await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))
    await then()


async def anyio_from_thread(spawn: Spawn, then: Then) -> None:
    await anyio.to_thread.run_sync(anyio.from_thread.run, then)


async def anyio_abandoned(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)
    loop = asyncio.get_running_loop()

    def job() -> None:
        loop.call_soon_threadsafe(scope.cancel)
        work()
        answer()

    with anyio.CancelScope() as scope:
        await anyio.to_thread.run_sync(job, abandon_on_cancel=True)


async def foreign_thread(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def run() -> None:
        work()
        answer()

    threading.Thread(target=run).start()


async def instant_thread(spawn: Spawn, then: Then) -> None:
    threading.Thread(target=safely(spawn, then)).start()


async def thread_by_thread(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def run(left: int) -> None:
        if left:
            threading.Thread(target=run, args=(left - 1,)).start()
        else:
            answer()

    run(5)


async def threading_timer(spawn: Spawn, then: Then) -> None:
    threading.Timer(INSTANT, safely(spawn, then)).start()


async def future_of_a_thread(spawn: Spawn, then: Then) -> None:
    promised: Future[None] = Future()
    threading.Thread(target=lambda: (work(), promised.set_result(None))).start()
    await asyncio.wrap_future(promised)
    await then()


THREADED: dict[str, Hop] = {
    hop.__name__: hop
    for hop in (
        to_thread, own_pool, own_pool_shut_down, submitted,
        submitted_with_callback, wrapped, job_that_submits,
        job_that_starts_a_thread, cancelled_job, coroutine_from_thread,
        thread_sensitive, not_thread_sensitive, sync_and_back, anyio_thread,
        anyio_own_limiter, anyio_from_thread, anyio_abandoned, foreign_thread,
        instant_thread, thread_by_thread, threading_timer, future_of_a_thread,
    )
}  # fmt: skip
