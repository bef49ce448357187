"""The applications that drivers are checked with.

They may run in another thread, behind a real server: they talk to a check
through their events only, and through `Watched`, which is safe across threads.
"""

import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import final

from wstest_core.drivers import AsgiApplication
from wstest_core.events import Frame
from wstest_core.legality import Event
from wstest_core.scope import Scope

__all__ = [
    "Watched",
    "counts",
    "denies",
    "describes_its_scope",
    "echoes",
    "greets",
    "hesitates",
    "refuses",
    "says",
]

Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_ACCEPT: Event = {"type": "websocket.accept"}


def as_event(frame: Frame) -> Event:
    """Return the event that sends a frame."""
    kind = "text" if isinstance(frame, str) else "bytes"
    return {"type": "websocket.send", kind: frame}


async def echoes(scope: Scope, receive: Receive, send: Send) -> None:
    """Send back each frame, until the client goes."""
    await receive()
    await send(_ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        await send(as_event(event["bytes"] if text is None else text))


def counts(upto: int) -> AsgiApplication:
    """Answer each frame with so many numbers, text and binary in turns."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(_ACCEPT)
        while (await receive())["type"] == "websocket.receive":
            for number in range(upto):
                frame = str(number)
                await send(as_event(frame if number % 3 else frame.encode()))

    return application


def greets(*frames: Frame) -> AsgiApplication:
    """Send frames as soon as it has accepted, then listen."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(_ACCEPT)
        for frame in frames:
            await send(as_event(frame))
        while (await receive())["type"] == "websocket.receive":
            pass

    return application


def says(
    frames: Sequence[Frame], *, close: Event | None = None, error: Exception | None
) -> AsgiApplication:
    """Send frames and end: with a close, by raising, or by returning."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(_ACCEPT)
        for frame in frames:
            await send(as_event(frame))
        if close is not None:
            await send(close)
        if error is not None:
            raise error

    return application


def refuses(
    event: Event | None = None, error: Exception | None = None
) -> AsgiApplication:
    """Answer the connect event so, and end."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if event is not None:
            await send(event)
        if error is not None:
            raise error

    return application


async def denies(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse with a denial response, where the server can send one."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    start = {"status": 401, "headers": [(b"x-why", b"no token")]}
    await send({"type": "websocket.http.response.start", **start})
    for part, more in ((b"who ", True), (b"are you?", False)):
        body = {"body": part, "more_body": more}
        await send({"type": "websocket.http.response.body", **body})


async def hesitates(scope: Scope, receive: Receive, send: Send) -> None:
    """Do not answer at once."""
    import anyio

    await receive()
    await anyio.sleep(0.25)


async def describes_its_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept the last subprotocol, with a header, and tell of the scope."""
    await receive()
    offered: list[str] = scope["subprotocols"]
    chosen = offered[-1] if offered else None
    accept = {"headers": [(b"x-answer", b"yes")], "subprotocol": chosen}
    await send({**_ACCEPT, **accept})
    described = {
        "type": scope["type"],
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "subprotocols": list(offered),
        "headers": [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in scope["headers"]
        ],
    }
    await send({"type": "websocket.send", "text": json.dumps(described)})
    await receive()


@final
class Watched:
    """Runs an application and tells, across threads, when the client has gone."""

    def __init__(self, application: AsgiApplication) -> None:
        self._application = application
        self.codes: list[int | None] = []
        self.told = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched() -> Event:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                self.codes.append(event.get("code"))
                self.told.set()
            return event

        await self._application(scope, watched, send)
