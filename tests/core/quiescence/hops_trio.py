"""Ways on which a reply can take its time on trio."""

import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future

import anyio.to_thread
import outcome
import trio

from tests.core.quiescence.hops_threads import INSTANT, POOL, work
from tests.core.quiescence.rig import Hop, Spawn, Then


def safely(spawn: Spawn, then: Then) -> Callable[..., None]:
    """Return a function for other threads that starts `then` in this run."""
    token = trio.lowlevel.current_trio_token()
    return lambda *_: token.run_sync_soon(spawn, then)


async def call_soon(spawn: Spawn, then: Then) -> None:
    safely(spawn, then)()


async def long_chain(spawn: Spawn, then: Then) -> None:
    token = trio.lowlevel.current_trio_token()

    def step(left: int) -> None:
        if left:
            token.run_sync_soon(step, left - 1)
        else:
            spawn(then)

    step(100)


async def task(spawn: Spawn, then: Then) -> None:
    spawn(then)


async def system_task(spawn: Spawn, then: Then) -> None:
    trio.lowlevel.spawn_system_task(then)


async def nested_tasks(spawn: Spawn, then: Then) -> None:
    async def deeper(left: int) -> None:
        async with trio.open_nursery() as nursery:
            if left:
                nursery.start_soon(deeper, left - 1)

    await deeper(20)
    await then()


async def to_thread(spawn: Spawn, then: Then) -> None:
    await trio.to_thread.run_sync(work)
    await then()


async def own_limiter(spawn: Spawn, then: Then) -> None:
    await trio.to_thread.run_sync(work, limiter=trio.CapacityLimiter(1))
    await then()


async def abandoned(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)
    token = trio.lowlevel.current_trio_token()

    def job() -> None:
        token.run_sync_soon(scope.cancel)
        work()
        answer()

    with trio.CancelScope() as scope:
        await trio.to_thread.run_sync(job, abandon_on_cancel=True)


async def anyio_thread(spawn: Spawn, then: Then) -> None:
    await anyio.to_thread.run_sync(work)
    await then()


async def from_thread(spawn: Spawn, then: Then) -> None:
    await trio.to_thread.run_sync(trio.from_thread.run, then)


async def thread_cache(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def deliver(result: outcome.Outcome[None]) -> None:
        work()
        answer()

    trio.lowlevel.start_thread_soon(work, deliver)


async def submitted(spawn: Spawn, then: Then) -> None:
    POOL.submit(work).add_done_callback(safely(spawn, then))


async def job_that_submits(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)
    POOL.submit(lambda: POOL.submit(work).add_done_callback(answer))


async def foreign_thread(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)
    threading.Thread(target=lambda: (work(), answer())).start()


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


async def parked_thread(spawn: Spawn, then: Then) -> None:
    promised: Future[None] = Future()
    answer = safely(spawn, then)
    threading.Thread(target=lambda: (promised.result(), answer())).start()
    await trio.sleep(INSTANT)
    promised.set_result(None)


async def sleep(spawn: Spawn, then: Then) -> None:
    await trio.sleep(INSTANT)
    await then()


async def move_on_after(spawn: Spawn, then: Then) -> None:
    with trio.move_on_after(INSTANT):
        await trio.sleep_forever()
    await then()


async def event(spawn: Spawn, then: Then) -> None:
    happened = trio.Event()

    async def happen() -> None:
        happened.set()

    spawn(happen)
    await happened.wait()
    await then()


async def channel(spawn: Spawn, then: Then) -> None:
    send, receive = trio.open_memory_channel[int](0)

    async def feed() -> None:
        async with send:
            await send.send(1)

    spawn(feed)
    async with receive:
        await receive.receive()
    await then()


async def condition(spawn: Spawn, then: Then) -> None:
    changed = trio.Condition()

    async def change() -> None:
        async with changed:
            changed.notify_all()

    async with changed:
        spawn(change)
        await changed.wait()
    await then()


async def generator(spawn: Spawn, then: Then) -> None:
    async def steps() -> AsyncIterator[int]:
        for step in range(3):
            await trio.sleep(INSTANT * step / 2)
            yield step

    async for _ in steps():
        pass
    await then()


async def stream(spawn: Spawn, then: Then) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    def echo() -> None:
        with theirs:
            theirs.sendall(theirs.recv(10))

    threading.Thread(target=echo).start()
    async with trio.SocketStream(trio.socket.from_stdlib_socket(ours)) as line:
        await line.send_all(b"x")
        await line.receive_some(1)
    await then()


async def subprocess(spawn: Spawn, then: Then) -> None:
    await trio.run_process(["true"])
    await then()


QUICK: dict[str, Hop] = {
    hop.__name__: hop
    for hop in (
        call_soon, long_chain, task, system_task, nested_tasks, to_thread,
        own_limiter, abandoned, anyio_thread, from_thread, thread_cache, submitted,
        job_that_submits, foreign_thread, instant_thread, thread_by_thread,
        threading_timer, parked_thread, sleep, move_on_after, event, channel,
        condition, generator, stream,
    )
}  # fmt: skip
HOPS: dict[str, Hop] = QUICK | {"subprocess": subprocess}
