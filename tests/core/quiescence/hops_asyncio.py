"""Ways on which a reply can take its time on asyncio."""

import asyncio
import functools
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator

import anyio

from tests.core.quiescence.hops_threads import INSTANT, THREADED, work
from tests.core.quiescence.rig import Hop, Spawn, Then


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


QUICK: dict[str, Hop] = THREADED | {
    hop.__name__: hop
    for hop in (
        call_soon, long_chain, task, nested_tasks, task_group, gather, shield,
        timer, sleep, timeout, wait_for, move_on_after, future_callback,
        task_from_callback, queue, condition, streams, generator, stream_reader,
        pipe,
    )
}  # fmt: skip
HOPS: dict[str, Hop] = QUICK | (
    {}
    if sys.platform == "win32"
    else {"subprocess": subprocess, "subprocess_output": subprocess_output}
)
