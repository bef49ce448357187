"""A suite of WebSocket tests of a FastAPI application, in each library's words.

Each test connects, makes three requests with replies and disconnects, in an event
loop of its own; those of the asyncio contenders assert that nothing more comes, which
Starlette's client cannot ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from fast_channels.testing import WebsocketCommunicator as TheirCommunicator
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wstest_fastapi import AppClient, WebsocketCommunicator

from .measure import Stopwatch, Trial
from .trials import FULL, Effort

REQUESTS = 3
OURS = "wstest_fastapi"
WHOLE = "wstest_fastapi, AppClient"
THEIRS = "fast_channels.testing"
STARLETTE = "Starlette TestClient"

app = FastAPI()


@app.websocket("/ws")
async def answer(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            asked = await websocket.receive_json()
            await websocket.send_json({"answer": asked["ask"]})
    except WebSocketDisconnect:
        return


async def ours() -> None:
    async with WebsocketCommunicator(app, "/ws") as ws:
        await converse(ws)


async def ours_with_lifespan() -> None:
    async with AppClient(app) as client, client.websocket("/ws") as ws:
        await converse(ws)


async def theirs() -> None:
    application: Any = app
    ws = TheirCommunicator(application, "/ws")
    connected, _ = await ws.connect()
    assert connected
    await converse(ws)
    await ws.disconnect()


async def converse(ws: Any) -> None:
    for number in range(REQUESTS):
        await ws.send_json_to({"ask": number})
        assert await ws.receive_json_from() == {"answer": number}
    assert await ws.receive_nothing()


def starlette() -> None:
    from starlette.testclient import TestClient

    with TestClient(app).websocket_connect("/ws") as ws:
        for number in range(REQUESTS):
            ws.send_json({"ask": number})
            assert ws.receive_json() == {"answer": number}


def in_a_loop(test: Callable[[], Any]) -> Callable[[], object]:
    return lambda: asyncio.run(test())


def trials(effort: Effort) -> list[Trial]:
    """Seconds for the suite; of who waits its silences out a few tests are run."""
    rows: dict[str, tuple[Callable[[], object], str]] = {
        OURS: (in_a_loop(ours), ""),
        WHOLE: (in_a_loop(ours_with_lifespan), "a lifespan and a client for each test"),
        STARLETTE: (starlette, "without the negative assertion"),
    }
    return [
        *(
            Trial(
                name,
                partial(_seconds, test, effort.suite),
                effort.suite_rounds,
                note=note,
            )
            for name, (test, note) in rows.items()
        ),
        Trial(
            THEIRS,
            partial(_seconds, in_a_loop(theirs), effort.peer_suite),
            effort.peer_suite_rounds,
            note=f"{effort.peer_suite} of {FULL.suite} tests measured, scaled",
        ),
    ]


def _seconds(test: Callable[[], object], measured: int) -> float:
    with Stopwatch() as stopwatch:
        for _ in range(measured):
            test()
    return stopwatch.seconds * FULL.suite / measured
