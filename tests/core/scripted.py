"""Applications of a few lines, and the faults they can have."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

ACCEPT = {"type": "websocket.accept"}


def text(frame: str) -> dict[str, Any]:
    return {"type": "websocket.send", "text": frame}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


def answers(**replies: list[str]) -> App:
    """Answers each text frame with the frames listed under its name."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        while (event := await receive())["type"] == "websocket.receive":
            for reply in replies[event["text"]]:
                await send(text(reply))

    return app


def says(*frames: str, then: Callable[[Send], Awaitable[None]] | None = None) -> App:
    """Sends some frames once accepted, does one thing more, and listens."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        for frame in frames:
            await send(text(frame))
        if then is not None:
            await then(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass

    return app


def crashes_after(count: int, error: Exception | None = None) -> App:
    """Sends so many frames, then raises."""

    async def crash(send: Send) -> None:
        raise error or ValueError("no more")

    return says(*(str(number) for number in range(count)), then=crash)


def closes_with(code: int, reason: str = "", *frames: str) -> App:
    async def close(send: Send) -> None:
        await send({"type": "websocket.close", "code": code, "reason": reason})

    return says(*frames, then=close)


def refuses_with(code: int) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": code})

    return app


async def goes_silent(scope: Scope, receive: Receive, send: Send) -> None:
    """Never answers the connection."""
    await anyio.sleep_forever()


async def returns_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    await send(text("bye"))
