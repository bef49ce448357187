"""Coroutines of a plain test, in the event loop of its communicators.

`SyncWebsocketCommunicator` shares one loop, which lives as long as one of
them is connected. So this is one of them, connected to an application of
ours that runs what it is told to. Its transcript is a log of that.
"""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, final

from wstest_core.sync import SyncWebsocketCommunicator

__all__ = ["Loop"]

T = TypeVar("T")
# ASGI types neither scopes nor events more closely.
_Scope: TypeAlias = dict[str, Any]
_Event: TypeAlias = dict[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[_Event], Awaitable[None]]


@final
class _Work(Generic[T]):
    """Something to run, and what came of it."""

    def __init__(self, main: Callable[[], Awaitable[T]]) -> None:
        self._main = main
        self._result: list[T] = []
        self._error: Exception | None = None

    async def run(self) -> None:
        try:
            self._result.append(await self._main())
        except Exception as error:
            self._error = error

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]

    def __str__(self) -> str:
        return "raised" if self._error is not None else "done"


@final
class Loop:
    """Keeps the event loop of sync communicators alive, and runs things there.

    Used with `with`. `timeout`, in seconds, guards each run against hanging.
    """

    __module__ = "wstest_core.loop"

    def __init__(
        self,
        name: str,
        *,
        timeout: float,
        backend: Literal["asyncio", "trio"] = "asyncio",
    ) -> None:
        self._works: list[_Work[Any]] = []
        self._ws: SyncWebsocketCommunicator = SyncWebsocketCommunicator(
            self._serve, "/", name=name, timeout=timeout, backend=backend
        )

    def __enter__(self) -> Self:
        self._ws.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ws.__exit__(kind, error, traceback)

    def run(self, title: str, main: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function and return what it returns, or raise.

        Raises:
            NoMessage: as soon as it is known that it does not end.
        """
        work = _Work(main)
        self._works.append(work)
        self._ws.send_text(title)
        self._ws.receive_text()
        return work.result()

    async def _serve(self, _scope: _Scope, receive: _Receive, send: _Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            work = self._works.pop()
            await work.run()
            await send({"type": "websocket.send", "text": str(work)})
