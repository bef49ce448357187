"""Gives all threads of a test the database that the test itself sees.

A rollback test keeps its rows in a transaction of one connection; a database
in memory is visible to few others. So within a test every thread uses the
test's connection: the thread of an event loop, asgiref's thread for sync code,
any pool's. They take turns: a statement waits while another thread is within
its own `atomic` block, for it would otherwise become part of that block.

A connection that the test does not share is each thread's own, as in
production. What other threads have opened is closed when the test ends, or the
test database could not be flushed or removed.
"""

import asyncio
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, TypeAlias, final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.transaction import Atomic, get_connection

from wstest_core import settings
from wstest_core.layers import instead

__all__ = ["Turn", "in_memory", "shared", "sharing", "strangers_closed"]

# What Django passes to the wrappers of a statement.
_Passed: TypeAlias = Any
_Execute: TypeAlias = Callable[..., Any]


def shared() -> dict[str, BaseDatabaseWrapper]:
    """Return the connections that a test has to share, by alias.

    Raises:
        RuntimeError: in an event loop, where Django has other connections.
    """
    _require_no_loop()
    return {
        alias: connections[alias]
        for alias in connections
        if connections[alias].in_atomic_block or in_memory(connections[alias])
    }


def _require_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "one_database() is entered in an event loop, where the test's transaction "
        "cannot be seen: enter it in setUp or in a plain fixture"
    )


def in_memory(connection: BaseDatabaseWrapper) -> bool:
    """Whether a database is gone with its connection."""
    ask = getattr(connection, "is_in_memory_db", None)
    return ask is not None and bool(ask())


@contextmanager
def sharing(
    common: Mapping[str, BaseDatabaseWrapper],
) -> Generator[Mapping[str, "Turn"]]:
    """Let every thread use these connections within a block.

    Yields their turns, by alias.
    """
    local = vars(connections).get("_connections")
    if local is None:
        raise RuntimeError(
            "this version of Django keeps its connections elsewhere, so threads "
            "cannot share them: use WebsocketTransactionTestCase and a database "
            "in a file or on a server"
        )
    turns = {alias: Turn(alias) for alias in common}
    with ExitStack() as stack:
        for alias, connection in common.items():
            connection.inc_thread_sharing()
            stack.callback(connection.dec_thread_sharing)
            stack.enter_context(_blocks_left(connection, turns[alias]))
            stack.enter_context(instead(vars(connection), _KEPT_OPEN))
        for alias, connection in common.items():
            stack.enter_context(connection.execute_wrapper(turns[alias]))
        stack.enter_context(_in_turns(turns))
        everywhere = _Everywhere(common, local)
        stack.enter_context(instead(vars(connections), {"_connections": everywhere}))
        yield turns


@contextmanager
def _blocks_left(connection: BaseDatabaseWrapper, turn: "Turn") -> Generator[None]:
    """Undo atomic blocks that are still open at the end, and raise.

    The test's own block would be taken for one of them, and its rows stay.
    """
    depth = len(connection.atomic_blocks)
    try:
        yield
    finally:
        if len(connection.atomic_blocks) > depth:
            _undo_blocks(connection, depth)
            raise RuntimeError(
                "the test has ended, and an atomic block on the database "
                f"{turn.alias!r} has not: it was rolled back. Let threads end before "
                "the test does."
            )


def _undo_blocks(connection: BaseDatabaseWrapper, depth: int) -> None:
    del connection.atomic_blocks[depth:]
    del connection.savepoint_ids[max(depth - 1, 0) :]  # the outermost has none
    if depth:
        connection.needs_rollback = True  # which the test's own block does
        return
    connection.in_atomic_block = False
    connection.rollback()
    connection.set_autocommit(True)


@contextmanager
def strangers_closed() -> Generator[None]:
    """Close what other threads have opened within a block, at its end."""
    opened: list[BaseDatabaseWrapper] = []
    own = threading.get_ident()
    of_the_test = {alias: connections[alias] for alias in connections}

    def note(connection: BaseDatabaseWrapper, **_: object) -> None:
        if threading.get_ident() == own:
            return
        opened.append(connection)
        own_one = of_the_test.get(connection.alias)
        if own_one is not None and any(map(_of_a_test, own_one.atomic_blocks)):
            raise RuntimeError(
                f"the test's transaction on the database {connection.alias!r} began "
                "after one_database() or ws_database, so another thread cannot see its "
                "rows: begin it first, with @pytest.mark.django_db or db"
            )

    connection_created.connect(note)
    try:
        yield
    finally:
        connection_created.disconnect(note)
        with ExitStack() as stack:
            for connection in opened:
                connection.inc_thread_sharing()
                stack.callback(connection.dec_thread_sharing)
                stack.callback(connection.close)


def _of_a_test(block: Atomic) -> bool:
    return bool(getattr(block, "_from_testcase", False))


class _Everywhere:
    """The storage of Django's connections: some for all threads, some each its own."""

    def __init__(self, common: Mapping[str, object], local: object) -> None:
        vars(self).update(common)
        vars(self)["_local"] = local

    def __getattr__(self, alias: str) -> object:
        return getattr(vars(self)["_local"], alias)

    def __setattr__(self, alias: str, connection: object) -> None:
        setattr(vars(self)["_local"], alias, connection)

    def __delattr__(self, alias: str) -> None:
        if alias not in vars(self):  # to forget one is to close it
            delattr(vars(self)["_local"], alias)


@final
class Turn:
    """Lets one thread at a time use a connection; a wrapper of statements."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._lock = threading.RLock()
        self._given = 0
        self._depth = 0

    def __call__(self, execute: _Execute, *statement: _Passed) -> _Passed:
        with self:
            return execute(*statement)

    def __enter__(self) -> None:
        if not self._taken():
            raise RuntimeError(
                f"two threads wait for each other on the database {self.alias!r}: a "
                "test that rolls back has one connection, and another thread is within "
                "its atomic block. Use WebsocketTransactionTestCase, where each thread "
                "has its own."
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._depth -= 1
        self._lock.release()

    def await_end(self) -> None:
        """Let the block of another thread end, if it is about to."""
        if self._taken():
            self.__exit__(None, None, None)

    def _taken(self) -> bool:
        """Wait for the lock as long as it goes from thread to thread."""
        # Less than a communicator waits, so that the test sees the error.
        patience = min(settings.current.timeout / 2, threading.TIMEOUT_MAX)
        given = self._given
        while not self._lock.acquire(timeout=patience):
            if given == self._given:
                return False
            given = self._given
        self._depth += 1
        self._given += self._depth == 1
        return True


@contextmanager
def _in_turns(turns: Mapping[str, Turn]) -> Generator[None]:
    """Let a thread keep its turn from the begin of an atomic block to its end."""
    enter, leave = Atomic.__enter__, Atomic.__exit__

    def turn_of(block: Atomic) -> Turn | None:
        # The test's own block lasts as long as the test, and is everybody's.
        if _of_a_test(block):
            return None
        return turns.get(get_connection(block.using).alias)

    def enter_in_turn(block: Atomic) -> None:
        turn = turn_of(block)
        if turn is not None:
            turn.__enter__()
        try:
            enter(block)
        except BaseException:
            if turn is not None:
                turn.__exit__(None, None, None)
            raise

    def leave_in_turn(block: Atomic, *error: _Passed) -> None:
        turn = turn_of(block)
        if turn is None:
            leave(block, *error)
            return
        if get_connection(block.using).atomic_blocks[-1:] != [block]:
            _refuse(error)
            return
        try:
            leave(block, *error)
        finally:
            turn.__exit__(None, None, None)

    setattr(Atomic, "__enter__", enter_in_turn)  # noqa: B010
    setattr(Atomic, "__exit__", leave_in_turn)  # noqa: B010
    try:
        yield
    finally:
        setattr(Atomic, "__enter__", enter)  # noqa: B010
        setattr(Atomic, "__exit__", leave)  # noqa: B010


def _refuse(error: tuple[_Passed, ...]) -> None:
    """A thread of an earlier test leaves its block: not that of this test."""
    if error[0] is None:  # nothing says yet that its rows are not kept
        raise RuntimeError("this atomic block was rolled back at the end of its test")


def _stay_open() -> None:
    """Instead of closing: with it the test's transaction, or the data, would go."""


# Channels closes old connections around each message, applications some at will.
_KEPT_OPEN = {"close_if_unusable_or_obsolete": _stay_open, "close": _stay_open}
