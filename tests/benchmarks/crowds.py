"""How cost grows with the number of connections, in time and in memory."""

from __future__ import annotations

import asyncio
import gc
import math
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from . import rounds
from .application import QUESTION, Application, broadcast
from .contenders import FLOOR, OURS, Contender, floor_client
from .floor import Floor
from .measure import Outcome, Trial, find
from .ours import OURSELVES, communicator

Connection: TypeAlias = Any

CONNECTED = "connected"
COLLECTED = "collected"
KIB = 1024


def growth_name(name: str, size: int) -> str:
    """How a trial of the growth scenario is called."""
    return f"{name}, {size:,} connections"


def growth(sizes: Sequence[int], times: int) -> list[Trial]:
    """Seconds a connection for broadcast and collection, at each size."""
    ours = OURSELVES[0]
    both = [Contender(FLOOR, "", floor_client)]
    both += [ours] if isinstance(ours, Contender) else []
    return [
        Trial(growth_name(one.name, size), partial(_each, one, size), times)
        for size in sizes
        for one in both
    ]


def _each(contender: Contender, size: int) -> float:
    return rounds.in_loop(contender, broadcast, rounds.crowd_round, size) / size


def exponent(
    outcomes: Sequence[Outcome], name: str, sizes: Sequence[int]
) -> float | None:
    """The power of the size by which the whole cost grows: 1.0 is linear."""
    small = find(outcomes, growth_name(name, sizes[0]))
    large = find(outcomes, growth_name(name, sizes[-1]))
    if small is None or large is None:
        return None
    return 1 + math.log(large.median / small.median) / math.log(sizes[-1] / sizes[0])


def memory_name(name: str, when: str) -> str:
    """How a trial of the memory scenario is called."""
    return f"{name}, {when}"


def memory(size: int) -> list[Trial]:
    """KiB a connection, after connecting and after a broadcast was collected."""
    makers: list[tuple[str, Callable[[Application], Connection]]] = [
        (FLOOR, Floor),
        (OURS, communicator),
    ]
    return [
        Trial(
            memory_name(name, when), partial(_kib, make, size, when), 1, 0, unit="KiB"
        )
        for name, make in makers
        for when in (CONNECTED, COLLECTED)
    ]


def _kib(make: Callable[[Application], Connection], size: int, when: str) -> float:
    return asyncio.run(_traced(make, size, when)) / size / KIB


async def _traced(
    make: Callable[[Application], Connection], size: int, when: str
) -> int:
    application = broadcast()
    await _crowd(make, application, 2, when)
    tracemalloc.start()
    try:
        return await _crowd(make, application, size, when)
    finally:
        tracemalloc.stop()


async def _crowd(
    make: Callable[[Application], Connection],
    application: Application,
    size: int,
    when: str,
) -> int:
    before = _traced_now()
    crowd = [await make(application).__aenter__() for _ in range(size)]
    if when == COLLECTED:
        await _tell_all(crowd)
    held = _traced_now() - before
    if when == CONNECTED:
        await _tell_all(crowd)
    for connection in reversed(crowd):
        await connection.__aexit__(None, None, None)
    return held


async def _tell_all(crowd: Sequence[Connection]) -> None:
    await crowd[0].send_json(QUESTION)
    for connection in crowd:
        await connection.receive_json()


def _traced_now() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
