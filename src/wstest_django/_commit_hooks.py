"""Runs `transaction.on_commit` hooks in tests that never commit.

In production a hook runs when the outermost `atomic` block ends, or at once
outside of one. In a rollback test the outermost blocks are the test's own, so
here it is the outermost block within them that counts.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeAlias, cast

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic, get_connection
from django.test import TestCase

from wstest_core.layers import instead
from wstest_django._connections import Turn

__all__ = ["running_commit_hooks"]

_Hook: TypeAlias = Callable[[], object]
_Passed: TypeAlias = Any
# Django's list: savepoints, hook, whether robust.
_Due: TypeAlias = list[tuple[object, _Hook, bool]]

_log = logging.getLogger(__name__)


@contextmanager
def running_commit_hooks(
    connections: Iterable[BaseDatabaseWrapper], turns: Mapping[str, Turn]
) -> Generator[None]:
    """Run the hooks of these connections, by alias in turns, in tests' transactions.

    Within `captureOnCommitCallbacks` they are left to that.
    """
    hooks = {
        id(each): _Hooks(each, turns[each.alias])
        for each in connections
        if each.in_atomic_block
    }
    with ExitStack() as stack:
        for each in hooks.values():
            stack.enter_context(each.watching())
        stack.enter_context(_at_the_end_of_blocks(hooks))
        stack.enter_context(_captured(hooks.values()))
        yield


class _Hooks:
    """The hooks of one connection.

    What is due is found while a thread has its turn: another thread's block
    must not take a hook for its own, nor delay it. It is run after the turn,
    for it may wait for other threads.
    """

    def __init__(self, connection: BaseDatabaseWrapper, turn: Turn) -> None:
        self.connection = connection
        self.turn = turn
        self._captures = 0
        self._blocks = len(connection.atomic_blocks)
        self._plain = connection.on_commit

    def watching(self) -> AbstractContextManager[None]:
        # Those of the class's own rows belong to no test, and never run.
        others: dict[str, _Passed] = {"on_commit": self.on_commit, "run_on_commit": []}
        return instead(vars(self.connection), others)

    def on_commit(self, func: _Hook, robust: bool = False) -> None:
        with self.turn:
            self._plain(func, robust)
            due = self.due()
        _run_all(due)

    def due(self) -> _Due:
        """Take what is due: nothing while the application is within a block."""
        connection = self.connection
        if self._captures or connection.needs_rollback:
            return []
        if len(connection.atomic_blocks) != self._blocks:
            return []
        due = cast("_Due", connection.run_on_commit)
        connection.run_on_commit = []
        return due

    @contextmanager
    def captured(self) -> Generator[None]:
        """Leave to a capture what comes within a block."""
        begin = len(self.connection.run_on_commit)
        self._captures += 1
        try:
            yield
        finally:
            self._captures -= 1
            if not self._captures:  # an outer capture takes those of an inner one
                del self.connection.run_on_commit[begin:]


def _run_all(due: _Due) -> None:
    for _, hook, robust in due:
        _run(hook, robust=robust)


def _run(hook: _Hook, *, robust: bool) -> None:
    try:
        hook()
    except Exception as error:
        if not robust:
            raise
        _log.exception("Error calling %r in on_commit() (%s).", hook, error)


@contextmanager
def _at_the_end_of_blocks(hooks: dict[int, _Hooks]) -> Generator[None]:
    leave = Atomic.__exit__

    def leave_and_run(block: Atomic, *error: _Passed) -> None:
        found = hooks.get(id(get_connection(block.using)))
        if found is None:
            leave(block, *error)
            return
        with found.turn:
            leave(block, *error)
            due = found.due()
        _run_all(due)

    setattr(Atomic, "__exit__", leave_and_run)  # noqa: B010
    try:
        yield
    finally:
        setattr(Atomic, "__exit__", leave)  # noqa: B010


@contextmanager
def _captured(hooks: Iterable[_Hooks]) -> Generator[None]:
    """Leave hooks alone while a test captures them itself."""
    found = vars(TestCase)["captureOnCommitCallbacks"]
    plain = TestCase.captureOnCommitCallbacks

    @contextmanager
    def capture(_cls: type[_Passed], /, **options: _Passed) -> Generator[list[_Hook]]:
        with ExitStack() as stack:
            for each in hooks:
                if each.connection.alias == options.get("using", DEFAULT_DB_ALIAS):
                    stack.enter_context(each.captured())
            yield stack.enter_context(plain(**options))

    setattr(TestCase, "captureOnCommitCallbacks", classmethod(capture))  # noqa: B010
    try:
        yield
    finally:
        setattr(TestCase, "captureOnCommitCallbacks", found)  # noqa: B010
