"""Who takes part, and the few verbs each is asked for.

A contender is loaded when its first round runs, so one that is missing or
broken is an absence with a reason in the report and not the end of the run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
)
from dataclasses import dataclass
from typing import Any, TypeAlias

from .application import Application, Json
from .floor import Floor

Models: TypeAlias = Sequence[Any]
FLOOR = "floor"
OURS = "wstest_core"


@dataclass(frozen=True, slots=True)
class Verbs:
    """One open connection: the library's own bound methods wherever it has them."""

    send_json: Callable[[Json], Awaitable[object]]
    receive_json: Callable[[], Awaitable[Json]]
    receive_models: Callable[[], Awaitable[Models]]
    receive_nothing: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Client:
    """What opens connections; setting it up stands outside every measurement.

    `open_models` is for libraries that are told at opening what models come.
    """

    open: Callable[[], Awaitable[Verbs]]
    cycle: Callable[[], Awaitable[object]]
    open_models: Callable[[], Awaitable[Verbs]] | None = None


@dataclass(frozen=True, slots=True)
class SyncVerbs:
    """`Verbs` of a library whose tests are plain functions."""

    send_json: Callable[[Json], object]
    receive_json: Callable[[], Json]
    receive_models: Callable[[], Models]
    receive_nothing: Callable[[], object]
    close: Callable[[], object]


@dataclass(frozen=True, slots=True)
class SyncClient:
    """`Client` of a library whose tests are plain functions."""

    open: Callable[[], SyncVerbs]
    cycle: Callable[[], object]
    open_models: Callable[[], SyncVerbs] | None = None


@dataclass(frozen=True, slots=True)
class Contender:
    """A library; `waits` where a negative assertion sits its timeout out.

    `crowd` is the most connections it can be asked for in a bearable time.
    """

    name: str
    distribution: str
    client: Callable[[Application], AbstractAsyncContextManager[Client]]
    waits: bool = True
    negative: str = ""
    crowd: int | None = None


@dataclass(frozen=True, slots=True)
class SyncContender:
    """A library whose tests are plain functions."""

    name: str
    distribution: str
    client: Callable[[Application], AbstractContextManager[SyncClient]]
    waits: bool = True
    negative: str = ""
    crowd: int | None = None


AnyContender: TypeAlias = Contender | SyncContender


@asynccontextmanager
async def floor_client(application: Application) -> AsyncIterator[Client]:
    async def open_one() -> Verbs:
        connection = await Floor(application).__aenter__()

        async def close() -> None:
            await connection.__aexit__(None, None, None)

        return Verbs(
            connection.send_json,
            connection.receive_json,
            connection.receive_models,
            connection.receive_nothing,
            close,
        )

    async def cycle() -> None:
        async with Floor(application):
            pass

    yield Client(open_one, cycle)


def everyone() -> tuple[AnyContender, ...]:
    """All contenders, the floor first and ours second."""
    from .ours import OURSELVES
    from .peers import ASYNC_PEERS
    from .peers_sync import SYNC_PEERS

    return (
        Contender(FLOOR, "", floor_client, False, "ten turns of the loop, no proof"),
        *OURSELVES,
        *ASYNC_PEERS,
        *SYNC_PEERS,
    )
