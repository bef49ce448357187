"""A suite of WebSocket tests of a FastAPI application, written three ways.

    python -m tests.benchmarks.suites [tests]

Each test connects, makes three requests with replies and disconnects, in an event
loop of its own; those of the asyncio contenders assert that nothing more comes, which
Starlette's client cannot ask. fast_channels.testing waits each negative assertion
out, so of it a few tests are measured and scaled. Interleaved rounds, medians.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from fast_channels.testing import WebsocketCommunicator as TheirCommunicator
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wstest_fastapi import AppClient, WebsocketCommunicator

from .measure import Stopwatch, Trial, find, interleave, ratio

TESTS = 200
FEW = 5
ROUNDS = 5
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


def seconds(test: Callable[[], object], tests: int, *, measured: int) -> float:
    """How long so many tests take, of which `measured` are run."""
    with Stopwatch() as stopwatch:
        for _ in range(measured):
            test()
    return stopwatch.seconds * tests / measured


def in_a_loop(test: Callable[[], Any]) -> Callable[[], object]:
    return lambda: asyncio.run(test())


def trials(tests: int) -> list[Trial]:
    few = min(FEW, tests)
    rows: list[tuple[str, Callable[[], object], int]] = [
        (OURS, in_a_loop(ours), tests),
        (WHOLE, in_a_loop(ours_with_lifespan), tests),
        (THEIRS, in_a_loop(theirs), few),
        (STARLETTE, starlette, tests),
    ]
    return [
        Trial(name, partial(seconds, test, tests, measured=measured), ROUNDS)
        for name, test, measured in rows
    ]


def main(tests: int = TESTS) -> None:
    """Print a line for each contender, and how they compare."""
    outcomes = interleave(trials(tests), seed=0)
    base = find(outcomes, OURS)
    if base is None:
        raise SystemExit(f"ours took no part: {outcomes}")
    print(f"A suite of {tests:,} tests: connect, {REQUESTS} requests, disconnect")
    for name in (OURS, WHOLE, THEIRS, STARLETTE):
        sample = find(outcomes, name)
        if sample is None:
            print(f"  {name:28} absent")
        else:
            times = ratio(sample, base)
            print(f"  {name:28}{sample.median * 1e3:10.0f} ms {times:8.1f} times ours")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
