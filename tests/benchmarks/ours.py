"""This library as a contender, in its asynchronous and its synchronous form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

from .application import BURST, Application, Reply, echo
from .contenders import (
    OURS,
    Client,
    Contender,
    Models,
    SyncClient,
    SyncContender,
    SyncVerbs,
    Verbs,
)
from .measure import Stopwatch

Communicator: TypeAlias = Any


def communicator(application: Application, **options: Any) -> Communicator:
    """A `WebsocketCommunicator`, looked up late: it may not be there."""
    core = import_module("wstest_core")
    return core.WebsocketCommunicator(application, "/ws", **options)


def _verbs(ws: Communicator) -> Verbs:
    return Verbs(
        ws.send_json,
        ws.receive_json,
        ws.receive_all_messages,
        ws.receive_nothing,
        ws.disconnect,
    )


def _one_by_one(ws: Communicator) -> Verbs:
    async def receive_models() -> Models:
        models = [await ws.receive_message() for _ in range(BURST)]
        await ws.receive_json()
        return models

    plain = _verbs(ws)
    return Verbs(
        plain.send_json,
        plain.receive_json,
        receive_models,
        plain.receive_nothing,
        plain.close,
    )


@asynccontextmanager
async def ours_client(application: Application) -> AsyncIterator[Client]:
    async def open_one(**options: Any) -> Verbs:
        ws = communicator(application, **options)
        await ws.connect()
        return _verbs(ws)

    async def cycle() -> None:
        async with communicator(application):
            pass

    yield Client(open_one, cycle, partial(open_one, messages=Reply))


@asynccontextmanager
async def one_by_one_client(application: Application) -> AsyncIterator[Client]:
    async def open_one() -> Verbs:
        ws = communicator(application, messages=Reply)
        await ws.connect()
        return _one_by_one(ws)

    async with ours_client(application) as client:
        yield Client(client.open, client.cycle, open_one)


@contextmanager
def sync_client(application: Application) -> Iterator[SyncClient]:
    make: Communicator = import_module("wstest_core").SyncWebsocketCommunicator

    def open_one(**options: Any) -> SyncVerbs:
        ws = make(application, "/ws", **options)
        ws.connect()
        return SyncVerbs(
            ws.send_json,
            ws.receive_json,
            ws.receive_all_messages,
            ws.receive_nothing,
            ws.disconnect,
        )

    def cycle() -> None:
        with make(application, "/ws"):
            pass

    yield SyncClient(open_one, cycle, partial(open_one, messages=Reply))


def trio_nothing_round(repeats: int) -> float:
    """Seconds for one negative assertion on trio."""

    async def main() -> float:
        async with communicator(echo) as ws:
            with Stopwatch() as watch:
                for _ in range(repeats):
                    await ws.receive_nothing()
        return watch.seconds / repeats

    return float(import_module("trio").run(main))


PROOF = "receive_nothing(), proved"
ONE_BY_ONE = f"{OURS}, receive_message() each"

OURSELVES: tuple[Contender | SyncContender, ...] = (
    Contender(OURS, "wstest-core", ours_client, False, PROOF),
    SyncContender(f"{OURS}, sync twin", "wstest-core", sync_client, False, PROOF),
)
MESSAGE_BY_MESSAGE = Contender(
    ONE_BY_ONE, "wstest-core", one_by_one_client, False, PROOF
)
