"""What the rest of the library may know of an event loop."""

from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Protocol

from wstest_core.events import Silence

__all__ = ["Bell", "Running", "Watch"]


class Bell(Protocol):
    """Wakes those who wait for it. A ring that nobody hears is lost."""

    def ring(self) -> None:
        """Wake everyone who waits now."""
        ...

    def wait(self) -> Awaitable[object]:
        """Wait for the next ring, however long. Cancelling it is harmless."""
        ...

    def wait_until(
        self, *, deadline: float, horizon: float
    ) -> Awaitable[Silence | None]:
        """Wait for the next ring, or until it is known that there will be none.

        Returns None when it rang, else how its silence is known: nothing can
        ring it before `horizon`, or `deadline` has passed. Both are times of
        the loop; a horizon of `-inf` asks for "nothing unless time passes".
        """
        ...


class Running(Protocol):
    """Something that was spawned."""

    def cancel(self) -> None:
        """Ask it to end."""
        ...

    def doing(self) -> str:
        """Say where it stands, with file and line: "sleeping in f() at a.py:3"."""
        ...

    def failures(self) -> str | None:
        """Say in a sentence what failed beside it, if nobody has taken the error."""
        ...


class Watch(Protocol):
    """Looks at one running event loop and tells when it has come to rest."""

    cancelled: type[BaseException]
    """What is raised in something that is cancelled."""

    def attach(self) -> None:
        """Start looking. Counted: as many `detach` calls end it."""
        ...

    def detach(self) -> None:
        """Stop looking; after the last one the loop is as it was found."""
        ...

    def now(self) -> float:
        """Return the loop's time, in seconds."""
        ...

    def bell(self) -> Bell:
        """Make a bell for this loop."""
        ...

    def spawn(
        self,
        main: Callable[[], Coroutine[object, object, None]],
        *,
        context: Context | None = None,
    ) -> Running:
        """Run `main`, which must not raise, beside the caller.

        It runs in `context`, by default an empty one.
        """
        ...

    def pause(self) -> Awaitable[None]:
        """Let everything run once that is ready to run."""
        ...

    def virtual_clock(self, *, run: bool) -> None:
        """Let time jump over waits, or stop letting it. Counted.

        Raises:
            RuntimeError: if this loop's time cannot be driven.
        """
        ...

    @property
    def jumps(self) -> bool:
        """Whether time jumps over waits."""
        ...

    def next_event(self) -> str | None:
        """Say where the loop goes on next if only time passes: "in f() at a.py:3".

        None where that cannot be told, or only the caller's own wait would end.
        """
        ...
