"""The connections of one client, and what it is sent over them, in one line."""

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, TypeAlias, final

from wstest_core.credentials import HeaderList
from wstest_core.drivers import AsgiDriver
from wstest_core.events import Frame
from wstest_core.scope import Scope
from wstest_django._ordering import Waiting
from wstest_django._visit import Visit
from wstest_django.channel_client import come_to_rest, to_be_closed
from wstest_django.communicator import SyncWebsocketCommunicator

__all__ = ["Answer", "Links"]

# Whether it was accepted, and the subprotocol or the close code.
Answer: TypeAlias = tuple[bool, int | str | None]
# Frames, and {"close": code} where the application has closed a connection.
_Inbox: TypeAlias = deque[Frame | dict[str, int]]
# ASGI types events no more closely.
_Event: TypeAlias = dict[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[_Event], Awaitable[None]]


@final
class Links:
    """Connections by path. `ended` is told the path of each that has ended."""

    def __init__(self, *, timeout: float | None, ended: Callable[[str], None]) -> None:
        self.inbox: _Inbox = deque()
        self._timeout = timeout
        self._ended = ended
        self._sockets: dict[str, SyncWebsocketCommunicator] = {}

    def require_free(self, path: str) -> None:
        """Raise RuntimeError where a path is connected."""
        before = self._sockets.get(path)
        if before is not None and before.close_code is None:
            raise RuntimeError(
                f"{path!r} is connected already: disconnect first, or use another "
                "client"
            )

    def connect(
        self, event: Waiting, visit: Visit, headers: HeaderList, check_accept: bool
    ) -> Answer:
        """Connect, and let the application finish with it.

        Raises:
            ConnectionRejected: if it refuses, where `check_accept` says so.
        """
        if event.path in self._sockets:  # the application has closed it
            self._sockets.pop(event.path).disconnect()
        socket = self._socket(visit, event.path + event.query, headers)
        answer: Answer = False, None
        try:
            answer = _opened(socket, check_accept)
        finally:
            if not answer[0]:
                self._ended(event.path)
        if answer[0]:
            to_be_closed.add(self)
            self._sockets[event.path] = socket
            self.rest()
        return answer

    def send(self, path: str, frame: Frame) -> None:
        """Send a frame, and let all come to rest."""
        if isinstance(frame, str):
            self._connected(path).send_text(frame)
        else:
            self._connected(path).send_bytes(frame)
        self.rest()

    def rest(self) -> None:
        """Let all come to rest, and raise what a consumer has raised meanwhile."""
        come_to_rest()
        for path, socket in list(self._sockets.items()):
            if socket.transcript.error is not None:
                self.end(path)  # which raises it
            elif socket.close_code is not None:
                self._ended(path)

    def end(self, path: str, code: int = 1000) -> None:
        """Disconnect, and raise what the consumer has raised, if nobody knows."""
        socket = self._connected(path)
        del self._sockets[path]
        self._ended(path)
        if not self._sockets:
            to_be_closed.discard(self)
        socket.disconnect(code)

    def close(self) -> None:
        """Disconnect all."""
        with ExitStack() as stack:
            for path in self._sockets:
                stack.callback(self.end, path)

    def _connected(self, path: str) -> SyncWebsocketCommunicator:
        if path not in self._sockets:
            raise RuntimeError(f"nothing is connected at {path!r}: connect first")
        return self._sockets[path]

    def _socket(
        self, visit: Visit, path: str, headers: HeaderList
    ) -> SyncWebsocketCommunicator:
        driver = AsgiDriver(_overheard(visit, self.inbox), explain=visit.explain)
        return SyncWebsocketCommunicator(
            driver, path, headers, name=path, timeout=self._timeout, unread="ignore"
        )


def _opened(socket: SyncWebsocketCommunicator, check_accept: bool) -> Answer:
    if not check_accept:
        return socket.connect()
    socket.__enter__()  # which raises a refusal
    return True, socket.subprotocol


def _overheard(visit: Visit, inbox: _Inbox) -> Callable[..., Awaitable[None]]:
    async def run(scope: Scope, receive: _Receive, send: _Send) -> None:
        accepted = False

        async def listen(event: _Event) -> None:
            nonlocal accepted
            await send(event)
            match event["type"]:
                case "websocket.accept":
                    accepted = True
                case "websocket.send":
                    text = event.get("text")
                    inbox.append(event["bytes"] if text is None else text)
                case "websocket.close" if accepted:
                    inbox.append({"close": event.get("code", 1000)})
                case _:
                    pass

        await visit(scope, receive, listen)

    return run
