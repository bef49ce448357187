"""The peers whose tests are plain functions: an application in another thread."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

from .application import ADAPTER, Application, Json
from .contenders import Models, SyncClient, SyncContender, SyncVerbs
from .measure import Unavailable

Theirs: TypeAlias = Any

WINDOW = 0.1


def validated(receive: Callable[[], Json]) -> Callable[[], Models]:
    def receive_models() -> Models:
        models: list[Any] = []
        while (message := receive())["action"] != "complete":
            models.append(ADAPTER.validate_python(message))
        return models

    return receive_models


def blocks_for_ever(ws: Theirs) -> bool:
    raise Unavailable("its receive has no timeout and blocks for ever")


def queue_is_empty(ws: Theirs) -> bool:
    try:
        ws.receive(timeout=WINDOW)
    except queue.Empty:
        return True
    return False


def _from_client(client: Theirs, nothing: Callable[[Theirs], bool]) -> SyncClient:
    def open_one() -> SyncVerbs:
        context = client.websocket_connect("/ws")
        ws = context.__enter__()
        return SyncVerbs(
            ws.send_json,
            ws.receive_json,
            validated(ws.receive_json),
            partial(nothing, ws),
            lambda: context.__exit__(None, None, None),
        )

    def cycle() -> None:
        with client.websocket_connect("/ws"):
            pass

    return SyncClient(open_one, cycle)


@contextmanager
def starlette(application: Application) -> Iterator[SyncClient]:
    with import_module("starlette.testclient").TestClient(application) as client:
        yield _from_client(client, blocks_for_ever)


@contextmanager
def litestar(application: Application) -> Iterator[SyncClient]:
    with import_module("litestar.testing").TestClient(application) as client:
        yield _from_client(client, queue_is_empty)


SYNC_PEERS = (
    SyncContender("Starlette TestClient", "starlette", starlette),
    SyncContender(
        "litestar TestClient",
        "litestar",
        litestar,
        negative="a receive with a timeout of 0.1 s: it has no verb for it",
        crowd=20,
    ),
)
