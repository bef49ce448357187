"""What the tests of quiescence stand on: a connected application, and kinds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from typing import Any, TypeAlias

import anyio
import sniffio
import trio

from wstest_core.drivers import AsgiDriver
from wstest_core.events import Accept, Frame, Silence, Terminal
from wstest_core.scope import build_scope
from wstest_core.transcript import Transcript

# What a test waits at most. Nothing comes near it, unless a proof is missing.
GUARD = 2.0

Then: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
Spawn: TypeAlias = Callable[[Then], None]
Hop: TypeAlias = Callable[[Spawn, Then], Awaitable[None]]
Reply: TypeAlias = Callable[[str], Awaitable[None]]
Handler: TypeAlias = Callable[[str, Spawn, Reply], Awaitable[None]]
Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def connected(application: Application) -> AsyncIterator[AsgiDriver]:
    """Connect a driver, and close it at the end."""
    # In the test's own context: asgiref keeps there whose thread to use.
    driver = AsgiDriver(application, context=copy_context())
    try:
        opened = await driver.open(
            build_scope("/"), Transcript("client"), timeout=GUARD
        )
        assert isinstance(opened, Accept)
        yield driver
    finally:
        with anyio.CancelScope(shield=True):
            await driver.close(code=1000, reason="", timeout=GUARD)


def answering(handle: Handler) -> Application:
    """Make an application that gives each text to `handle`, one after another."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def reply(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        await receive()
        await send({"type": "websocket.accept"})
        async with _spawning() as spawn:
            while (event := await receive())["type"] == "websocket.receive":
                await handle(event["text"], spawn, reply)

    return application


@asynccontextmanager
async def _spawning() -> AsyncIterator[Spawn]:
    """Yield what starts a task, from a callback of the loop too."""
    if sniffio.current_async_library() == "trio":
        async with trio.open_nursery() as nursery:
            yield nursery.start_soon
    else:
        tasks: set[asyncio.Task[None]] = set()
        create = asyncio.get_running_loop().create_task
        # In a context of its own: asgiref keeps there whose thread to use.
        yield lambda then: tasks.add(create(then(), context=Context()))
        await asyncio.gather(*tasks)


def through(*hops: Hop) -> Application:
    """Make an application whose reply takes all the hops, the first one first."""

    async def handle(text: str, spawn: Spawn, reply: Reply) -> None:
        async def answer() -> None:
            await reply(f"{text} done")

        then: Then = answer
        for hop in reversed(hops):
            then = _before(hop, spawn, then)
        await then()

    return answering(handle)


def _before(hop: Hop, spawn: Spawn, then: Then) -> Then:
    async def run() -> None:
        await hop(spawn, then)

    return run


async def exchange(driver: AsgiDriver, text: str) -> Frame | Terminal | Silence:
    """Send a text, and receive what comes next."""
    await driver.send(text)
    return await driver.receive(timeout=GUARD)


async def silence(driver: AsgiDriver, timeout: float = GUARD) -> str:
    """Return the kind of the silence that must follow, with its reason."""
    found = await driver.receive(timeout=timeout)
    assert isinstance(found, Silence), found
    return f"{found.kind}: {found.why}" if found.why else found.kind
