"""How frames travel: the seam between a communicator and an application."""

from typing import Protocol

from wstest_core.events import Accept, Frame, Silence, Terminal
from wstest_core.scope import Scope
from wstest_core.transcript import Transcript

__all__ = ["Driver"]


class Driver(Protocol):
    """Carries frames to an application and events back, on one connection.

    `receive` yields events in the order the application sent them, then one
    terminal event, and that same event ever after. Cancelling it loses
    nothing. Times are in seconds. A driver records in the transcript what it
    sends when it sends it, and what arrives when it arrives, and tells it
    with `unread_in` in which queue frames wait to be received.

    `wstest_core.conformance.check_driver` checks all of this.
    """

    async def open(
        self, scope: Scope, transcript: Transcript, *, timeout: float
    ) -> Accept | Terminal | Silence:
        """Connect as `scope` says; called once, before anything else.

        Returns when the application has finished with its connect event, as
        far as can be seen from here.
        """
        ...

    async def send(self, frame: Frame) -> None:
        """Send a frame. After a terminal event it is thrown away."""
        ...

    async def receive(self, *, timeout: float) -> Frame | Terminal | Silence:
        """Return the next event, or how it is known that none arrives in time."""
        ...

    async def settle(self, *, timeout: float) -> Silence:
        """Wait until nothing moves any more, and say how that is known."""
        ...

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        """Say goodbye, let the application end, give everything back.

        Safe to call twice, and before or after the application's own end.
        """
        ...

    async def drop(self, *, code: int) -> None:
        """Vanish without a goodbye."""
        ...

    def now(self) -> float:
        """Return the time of the clock that timeouts are measured on."""
        ...

    def doing(self) -> str:
        """Say in a sentence what the application is doing now."""
        ...

    @property
    def ended(self) -> Terminal | None:
        """The terminal event, as soon as it is known."""
        ...

    @property
    def exception(self) -> BaseException | None:
        """What the application raised, where that can be seen."""
        ...

    @property
    def lingers(self) -> str | None:
        """What the application was doing when `close` had to stop it, or None."""
        ...


Driver.__module__ = "wstest_core.drivers"
