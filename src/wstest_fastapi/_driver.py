"""How a socket of a client reaches the application that the client is open for."""

from typing import final

from wstest_core.drivers import AsgiDriver
from wstest_core.events import Accept, Reject, Silence, Terminal
from wstest_core.scope import Scope
from wstest_core.transcript import Transcript
from wstest_fastapi._refusals import refusal
from wstest_fastapi._sharing import Event, Receive, Send, SharedApplication

__all__ = ["SocketDriver"]


@final
class SocketDriver:
    """An `AsgiDriver` for one socket of a client, which must be open.

    It knows why Starlette and FastAPI refuse a connection.
    """

    def __init__(self, shared: SharedApplication) -> None:
        self._shared = shared
        self._scope: Scope = {}
        self._answer: Event | None = None
        self._inner = inner = AsgiDriver(self._call, explain=self._explain)
        self.send, self.receive, self.settle = inner.send, inner.receive, inner.settle
        self.drop, self.now, self.doing = inner.drop, inner.now, inner.doing

    async def open(
        self, scope: Scope, transcript: Transcript, *, timeout: float
    ) -> Accept | Terminal | Silence:
        await self._shared.connects(self, transcript.name)
        self._scope = dict(scope)  # routers change it
        return await self._inner.open(scope, transcript, timeout=timeout)

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        try:
            await self._inner.close(code=code, reason=reason, timeout=timeout)
        finally:
            await self._shared.leaves(self)

    @property
    def ended(self) -> Terminal | None:
        return self._inner.ended

    @property
    def exception(self) -> BaseException | None:
        return self._inner.exception

    @property
    def lingers(self) -> str | None:
        return self._inner.lingers

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def listening(event: Event) -> None:
            self._answer = self._answer or event
            await send(event)

        await self._shared(scope, receive, listening)

    def _explain(self) -> str | None:
        if not isinstance(self._inner.ended, Reject):
            return None
        reason: object = (self._answer or {}).get("reason")
        return refusal(self._shared.lifespan.application, self._scope, reason)
