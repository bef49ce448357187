"""The floor: the least a test could write by hand, and still be correct.

Two deques and a future, `json`, a task for the application. No deadline, no
transcript, no look at what the application sends, no scope worth the name:
what a library costs on top of this is the price of what it gives.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from types import TracebackType
from typing import Self

from .application import ADAPTER, Application, Event, Json, Progress, Token

TURNS = 10


class Floor:
    """One connection, written by hand."""

    def __init__(self, application: Application, path: str = "/ws") -> None:
        self._application = application
        self._path = path
        self._to_application: deque[Event] = deque()
        self._from_application: deque[Event] = deque()
        self._application_waits: asyncio.Future[None] | None = None
        self._test_waits: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        scope = {"type": "websocket", "path": self._path, "headers": []}
        self._task = asyncio.ensure_future(
            self._application(scope, self._hand_over, self._take)
        )
        self._put({"type": "websocket.connect"})
        await self._next()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._put({"type": "websocket.disconnect", "code": 1000})
        await self._task

    async def send_json(self, value: Json) -> None:
        self._put({"type": "websocket.receive", "text": json.dumps(value)})

    async def receive_json(self) -> Json:
        return json.loads((await self._next())["text"])

    async def receive_models(self) -> list[Token | Progress]:
        """All models up to the completion message."""
        models: list[Token | Progress] = []
        while (message := await self.receive_json())["action"] != "complete":
            models.append(ADAPTER.validate_python(message))
        return models

    async def receive_nothing(self) -> bool:
        """Gives the application a few turns of the loop, which proves nothing."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return not self._from_application

    def _put(self, event: Event) -> None:
        self._to_application.append(event)
        waiter = self._application_waits
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _hand_over(self) -> Event:
        if not self._to_application:
            self._application_waits = self._loop.create_future()
            await self._application_waits
        return self._to_application.popleft()

    async def _take(self, event: Event) -> None:
        self._from_application.append(event)
        waiter = self._test_waits
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _next(self) -> Event:
        if not self._from_application:
            self._test_waits = self._loop.create_future()
            await self._test_waits
        return self._from_application.popleft()
