"""The applications under test, the same bare ASGI callables for every contender."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter

Json: TypeAlias = Any
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
Application: TypeAlias = Callable[[Event, Receive, Send], Awaitable[None]]

BURST = 100
QUESTION: Json = {"action": "ask", "payload": "how much is a round trip?"}


class Token(BaseModel):
    """One piece of a streamed answer."""

    action: Literal["token"]
    payload: str


class Progress(BaseModel):
    """How far the answer is, a second member for the union to tell apart."""

    action: Literal["progress"]
    payload: int


Reply: TypeAlias = Annotated[Token | Progress, Field(discriminator="action")]
ADAPTER: TypeAdapter[Token | Progress] = TypeAdapter(Reply)


class Consumer:
    """Stands for a consumer: where chanx looks for the adapter of its messages."""

    outgoing_message_adapter = ADAPTER
    camelize = False


def _frames() -> tuple[str, ...]:
    messages: list[Json] = [
        {"action": "token", "payload": f"word {number}"}
        if number % 2
        else {"action": "progress", "payload": number}
        for number in range(BURST)
    ]
    return tuple(map(json.dumps, [*messages, {"action": "complete"}]))


FRAMES = _frames()
NEWS = json.dumps({"action": "news", "payload": "to all"})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def echo(scope: Event, receive: Receive, send: Send) -> None:
    """Answers each frame with itself, decoded and encoded again."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        text = json.dumps(json.loads(event["text"]))
        await send({"type": "websocket.send", "text": text})


async def burst(scope: Event, receive: Receive, send: Send) -> None:
    """Answers each frame with `BURST` messages and one of completion.

    The frames are encoded beforehand: what is measured is the test's side.
    """
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        for text in FRAMES:
            await send({"type": "websocket.send", "text": text})


def broadcast() -> Application:
    """A fresh room that repeats a piece of news to everyone in it."""
    members: dict[int, Send] = {}

    async def room(scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        await receive()
        await send({"type": "websocket.accept"})
        members[id(receive)] = send
        while (await receive())["type"] == "websocket.receive":
            for tell in members.values():
                await tell({"type": "websocket.send", "text": NEWS})
        del members[id(receive)]

    return room
