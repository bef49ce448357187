"""Runs `transaction.on_commit` hooks in tests that never commit.

In production a hook runs when the outermost `atomic` block ends, or at once
outside of one. In a rollback test the outermost blocks are the test's own, so
here it is the outermost block within them that counts.
"""

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic, get_connection
from django.test import TestCase

from wstest_core.layers import instead

__all__ = ["running_commit_hooks"]

_Hook: TypeAlias = Callable[[], object]
_Passed: TypeAlias = Any

_log = logging.getLogger(__name__)


@contextmanager
def running_commit_hooks(connections: Iterable[BaseDatabaseWrapper]) -> Generator[None]:
    """Run the hooks of these connections, all within a transaction of a test.

    Within `captureOnCommitCallbacks` they are left to that.
    """
    hooks = {id(each): _Hooks(each) for each in connections if each.in_atomic_block}
    with ExitStack() as stack:
        for each in hooks.values():
            stack.enter_context(each.watching())
        stack.enter_context(_at_the_end_of_blocks(hooks))
        stack.enter_context(_captured(hooks.values()))
        yield


class _Hooks:
    """The hooks of one connection."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.captures = 0
        self._blocks = len(connection.atomic_blocks)
        self._plain = connection.on_commit

    def watching(self) -> AbstractContextManager[None]:
        # Those of the class's own rows belong to no test, and never run.
        others: dict[str, _Passed] = {"on_commit": self.on_commit, "run_on_commit": []}
        return instead(vars(self.connection), others)

    def on_commit(self, func: _Hook, robust: bool = False) -> None:
        self._plain(func, robust)
        self.run_if_committed()

    def run_if_committed(self) -> None:
        """Run what is due, unless a block of the application is still open."""
        connection = self.connection
        if self.captures or connection.needs_rollback:
            return
        if len(connection.atomic_blocks) != self._blocks:
            return
        due: _Passed = connection.run_on_commit  # savepoints, hook, whether robust
        connection.run_on_commit = []
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
        leave(block, *error)
        found = hooks.get(id(get_connection(block.using)))
        if found is not None:
            found.run_if_committed()

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
        for each in hooks:
            each.captures += 1
        try:
            with plain(**options) as callbacks:
                yield callbacks
        finally:
            for each in hooks:
                each.captures -= 1

    setattr(TestCase, "captureOnCommitCallbacks", classmethod(capture))  # noqa: B010
    try:
        yield
    finally:
        setattr(TestCase, "captureOnCommitCallbacks", found)  # noqa: B010
