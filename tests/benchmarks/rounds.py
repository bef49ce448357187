"""One round of each scenario, for tests that are coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .application import BURST, QUESTION, Application, echo
from .contenders import Client, Contender, Verbs
from .measure import Stopwatch

GUARD = 120.0


async def echo_round(client: Client, repeats: int) -> float:
    """Seconds for one round trip of a JSON message."""
    verbs = await client.open()
    send, receive = verbs.send_json, verbs.receive_json
    with Stopwatch() as watch:
        for _ in range(repeats):
            await send(QUESTION)
            await receive()
    await verbs.close()
    return watch.seconds / repeats


async def burst_round(client: Client, repeats: int) -> float:
    """Seconds for one burst, sent, received and validated."""
    verbs = await (client.open_models or client.open)()
    with Stopwatch() as watch:
        for _ in range(repeats):
            await verbs.send_json(QUESTION)
            models = await verbs.receive_models()
    await verbs.close()
    if len(models) != BURST:
        raise RuntimeError(f"{len(models)} of {BURST} messages were collected")
    return watch.seconds / repeats


async def cycle_round(client: Client, repeats: int) -> float:
    """Seconds to connect and disconnect."""
    with Stopwatch() as watch:
        for _ in range(repeats):
            await client.cycle()
    return watch.seconds / repeats


async def nothing_round(client: Client, repeats: int) -> float:
    """Seconds for one negative assertion."""
    verbs = await client.open()
    with Stopwatch() as watch:
        for _ in range(repeats):
            await verbs.receive_nothing()
    await verbs.close()
    return watch.seconds / repeats


async def _open_many(client: Client, size: int) -> list[Verbs]:
    return [await client.open() for _ in range(size)]


async def _tell_all(everyone: list[Verbs]) -> None:
    await everyone[0].send_json(QUESTION)
    for verbs in everyone:
        await verbs.receive_json()


async def _close_all(everyone: list[Verbs]) -> None:
    for verbs in reversed(everyone):
        await verbs.close()


async def crowd_round(client: Client, size: int) -> float:
    """Seconds to broadcast to `size` connections and collect from each."""
    everyone = await _open_many(client, size)
    with Stopwatch() as watch:
        await _tell_all(everyone)
    await _close_all(everyone)
    return watch.seconds


async def whole_crowd_round(client: Client, size: int) -> float:
    """Seconds to connect all, broadcast, collect from each and disconnect all."""
    with Stopwatch() as watch:
        everyone = await _open_many(client, size)
        await _tell_all(everyone)
        await _close_all(everyone)
    return watch.seconds


def in_loop(
    contender: Contender,
    application: Callable[[], Application],
    work: Callable[[Client, int], Awaitable[float]],
    repeats: int,
) -> float:
    """Runs one round in an event loop of its own."""

    async def main() -> float:
        async with asyncio.timeout(GUARD), contender.client(application()) as client:
            return await work(client, repeats)

    return asyncio.run(main())


async def _one_test(contender: Contender) -> None:
    async with contender.client(echo) as client:
        verbs = await client.open()
        await verbs.send_json(QUESTION)
        await verbs.receive_json()
        await verbs.receive_nothing()
        await verbs.close()


def suite_round(contender: Contender, tests: int) -> float:
    """Seconds a test, each in a fresh event loop, as test runners do it."""
    in_loop(contender, lambda: echo, cycle_round, 1)
    with Stopwatch() as watch:
        for _ in range(tests):
            asyncio.run(_one_test(contender))
    return watch.seconds / tests
