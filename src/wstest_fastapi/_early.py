"""When the client of a test is open: around the test, or from a fixture on.

As a rule a test's own coroutine opens its client and closes it, so that startup,
test and shutdown are one task. A fixture of the test may use it before. Then it
is opened there, and closed as soon as the test is over and the last socket that
a fixture has connected has ended: that is where a coroutine runs once more.
"""

from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, final

from wstest_core import quiescence
from wstest_fastapi.overrides import dependency_overrides

__all__ = ["Early", "early_of", "usable_early"]

# What a block ended with, as `__aexit__` is told.
_Outcome: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)


class _Client(AbstractAsyncContextManager[Any], Protocol):
    """What `AppClient` is, seen from here."""

    @property
    def application(self) -> object: ...


@final
class Early:
    """Opens the client of one test when it is wanted, and closes it after the test.

    It is what the test runs within; `is_over` is set when the test is, also if it
    has never begun.
    """

    def __init__(self, client: _Client, overrides: ExitStack) -> None:
        self.is_over = False
        self._client = client
        self._overrides = overrides
        self._sockets: dict[object, str] = {}  # of fixtures, with their names
        self._watch: quiescence.Watch | None = None  # of the loop it is opened in
        self._is_open = False
        self._in_test = False
        self._outcome: _Outcome = None, None, None

    async def open(self) -> None:
        """Open the client, unless that was tried before, or the test is over."""
        if self._watch is not None or self.is_over:
            return
        self._watch = quiescence.watch()
        # Of a client that nobody closes these are put back all the same.
        self._overrides.enter_context(dependency_overrides(self._client.application))
        await self._client.__aenter__()
        self._is_open = True

    async def __aenter__(self) -> Self:
        await self.open()
        if self._watch is not quiescence.watch():
            raise RuntimeError(
                "a fixture of this test has used the client in another event loop "
                "than the test's: give both one loop_scope, or connect in the test"
            )
        self._in_test = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.is_over = True
        if kind is not None and error is not None:
            self._outcome = kind, error, where
        await self._close_if_done()

    def connects(self, socket: object, name: str) -> None:
        """Take note of a socket that is to be connected now."""
        if not self._in_test:
            self._sockets[socket] = name

    async def leaves(self, socket: object) -> None:
        """Take note that a socket has ended; close the client if it was the last."""
        self._sockets.pop(socket, None)
        await self._close_if_done()

    @property
    def left_open(self) -> list[str]:
        """The names of the sockets that fixtures have connected, and left so."""
        return list(self._sockets.values())

    async def _close_if_done(self) -> None:
        if self._is_open and self.is_over and not self._sockets:
            self._is_open = False
            await self._client.__aexit__(*self._outcome)


_early: dict[object, Early] = {}


@contextmanager
def usable_early(client: _Client) -> Generator[Early]:
    """Let fixtures use a client before the test opens it."""
    with ExitStack() as overrides:
        early = _early[client] = Early(client, overrides)
        try:
            yield early
        finally:
            del _early[client]


def early_of(client: object) -> Early | None:
    """Return what opens a client, if it is that of a test."""
    return _early.get(client)
