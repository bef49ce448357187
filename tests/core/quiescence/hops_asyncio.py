"""Ways on which a reply can take its time on asyncio."""

import asyncio
import functools
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
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


async def call_soon(spawn: Spawn, then: Then) -> None:
    asyncio.get_running_loop().call_soon(spawn, then)


async def long_chain(spawn: Spawn, then: Then) -> None:
    loop = asyncio.get_running_loop()

    def step(left: int) -> None:
        if left:
            loop.call_soon(step, left - 1)
        else:
            spawn(then)

    step(300)


async def task(spawn: Spawn, then: Then) -> None:
    spawn(then)


async def nested_tasks(spawn: Spawn, then: Then) -> None:
    async def deeper(left: int) -> None:
        if left:
            await asyncio.create_task(deeper(left - 1))

    await asyncio.create_task(deeper(20))
    await then()


async def task_group(spawn: Spawn, then: Then) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
        group.create_task(asyncio.sleep(INSTANT))
    await then()


async def gather(spawn: Spawn, then: Then) -> None:
    await asyncio.gather(asyncio.sleep(0), asyncio.to_thread(work))
    await then()


async def shield(spawn: Spawn, then: Then) -> None:
    await asyncio.shield(asyncio.sleep(INSTANT))
    await then()


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

    def job() -> None:
        work()
        answer()

    with anyio.move_on_after(INSTANT / 2):
        await anyio.to_thread.run_sync(job, abandon_on_cancel=True)


async def timer(spawn: Spawn, then: Then) -> None:
    asyncio.get_running_loop().call_later(INSTANT, spawn, then)


async def sleep(spawn: Spawn, then: Then) -> None:
    await asyncio.sleep(INSTANT)
    await then()


async def timeout(spawn: Spawn, then: Then) -> None:
    try:
        async with asyncio.timeout(INSTANT):
            await asyncio.Event().wait()
    except TimeoutError:
        await then()


async def wait_for(spawn: Spawn, then: Then) -> None:
    try:
        await asyncio.wait_for(asyncio.Event().wait(), INSTANT)
    except TimeoutError:
        await then()


async def move_on_after(spawn: Spawn, then: Then) -> None:
    with anyio.move_on_after(INSTANT):
        await anyio.sleep_forever()
    await then()


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


async def future_callback(spawn: Spawn, then: Then) -> None:
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()
    first.add_done_callback(lambda _: second.set_result(None))
    loop.call_soon(first.set_result, None)
    await second
    await then()


async def task_from_callback(spawn: Spawn, then: Then) -> None:
    first = asyncio.ensure_future(asyncio.sleep(0))
    first.add_done_callback(lambda _: spawn(then))


async def queue(spawn: Spawn, then: Then) -> None:
    items: asyncio.Queue[Then] = asyncio.Queue(1)

    async def take() -> None:
        await (await items.get())()

    spawn(take)
    await items.put(then)


async def condition(spawn: Spawn, then: Then) -> None:
    changed = asyncio.Condition()

    async def change() -> None:
        async with changed:
            changed.notify_all()

    async with changed:
        spawn(change)
        await changed.wait()
    await then()


async def streams(spawn: Spawn, then: Then) -> None:
    send, receive = anyio.create_memory_object_stream[int](0)

    async def feed() -> None:
        with send:
            await send.send(1)

    spawn(feed)
    with receive:
        await receive.receive()
    await then()


async def generator(spawn: Spawn, then: Then) -> None:
    async def steps() -> AsyncIterator[int]:
        for step in range(3):
            await asyncio.sleep(INSTANT * step / 2)
            yield step

    async for _ in steps():
        pass
    await then()


async def subprocess(spawn: Spawn, then: Then) -> None:
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    await then()


async def subprocess_output(spawn: Spawn, then: Then) -> None:
    process = await asyncio.create_subprocess_exec(
        "echo", "x", stdout=asyncio.subprocess.PIPE
    )
    await process.communicate()
    await then()


async def stream_reader(spawn: Spawn, then: Then) -> None:
    ours, theirs = socket.socketpair()

    def echo() -> None:
        with theirs:
            theirs.sendall(theirs.recv(10))

    threading.Thread(target=echo).start()
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(b"x")
    await writer.drain()
    await reader.readexactly(1)
    writer.close()
    await writer.wait_closed()
    await then()


async def pipe(spawn: Spawn, then: Then) -> None:
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()

    def arrived() -> None:
        loop.remove_reader(reading)
        os.close(reading)
        spawn(then)

    loop.add_reader(reading, arrived)
    threading.Thread(target=functools.partial(_late_close, writing)).start()


def _late_close(descriptor: int) -> None:
    work()
    os.close(descriptor)


async def future_of_a_thread(spawn: Spawn, then: Then) -> None:
    promised: Future[None] = Future()
    threading.Thread(target=lambda: (work(), promised.set_result(None))).start()
    await asyncio.wrap_future(promised)
    await then()


QUICK: dict[str, Hop] = {
    hop.__name__: hop
    for hop in (
        call_soon, long_chain, task, nested_tasks, task_group, gather, shield,
        to_thread, own_pool, submitted, submitted_with_callback, wrapped,
        job_that_submits, job_that_starts_a_thread, cancelled_job,
        coroutine_from_thread, thread_sensitive, not_thread_sensitive,
        sync_and_back, anyio_thread, anyio_own_limiter, anyio_from_thread,
        anyio_abandoned, timer, sleep, timeout, wait_for, move_on_after,
        foreign_thread, instant_thread, thread_by_thread, threading_timer,
        future_callback, task_from_callback, queue, condition, streams,
        generator, stream_reader, pipe, future_of_a_thread, own_pool_shut_down,
    )
}  # fmt: skip
HOPS: dict[str, Hop] = QUICK | (
    {}
    if sys.platform == "win32"
    else {"subprocess": subprocess, "subprocess_output": subprocess_output}
)
