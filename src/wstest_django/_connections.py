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

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, TypeAlias

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.transaction import Atomic, get_connection

from wstest_core import settings
from wstest_core.layers import instead

__all__ = ["in_memory", "shared", "sharing", "strangers_closed"]

# What Django passes to the wrappers of a statement.
_Passed: TypeAlias = Any
_Execute: TypeAlias = Callable[..., Any]


def shared() -> dict[str, BaseDatabaseWrapper]:
    """Return the connections that a test has to share, by alias."""
    return {
        alias: connections[alias]
        for alias in connections
        if connections[alias].in_atomic_block or in_memory(connections[alias])
    }


def in_memory(connection: BaseDatabaseWrapper) -> bool:
    """Whether a database is gone with its connection."""
    ask = getattr(connection, "is_in_memory_db", None)
    return ask is not None and bool(ask())


@contextmanager
def sharing(common: Mapping[str, BaseDatabaseWrapper]) -> Generator[None]:
    """Let every thread use these connections within a block."""
    local = vars(connections).get("_connections")
    if local is None:
        raise RuntimeError(
            "this version of Django keeps its connections elsewhere, so threads "
            "cannot share them: use WebsocketTransactionTestCase and a database "
            "in a file or on a server"
        )
    with ExitStack() as stack:
        for connection in common.values():
            connection.inc_thread_sharing()
            stack.callback(connection.dec_thread_sharing)
            stack.enter_context(instead(vars(connection), _KEPT_OPEN))
        turns = {alias: _Turns(alias) for alias in common}
        for alias, connection in common.items():
            stack.enter_context(connection.execute_wrapper(turns[alias]))
        stack.enter_context(_in_turns(turns))
        everywhere = _Everywhere(common, local)
        stack.enter_context(instead(vars(connections), {"_connections": everywhere}))
        yield


@contextmanager
def strangers_closed() -> Generator[None]:
    """Close what other threads have opened within a block, at its end."""
    opened: list[BaseDatabaseWrapper] = []
    own = threading.get_ident()

    def note(connection: BaseDatabaseWrapper, **_: object) -> None:
        if threading.get_ident() != own:
            opened.append(connection)

    connection_created.connect(note)
    try:
        yield
    finally:
        connection_created.disconnect(note)
        for connection in opened:
            connection.inc_thread_sharing()
            try:
                connection.close()
            finally:
                connection.dec_thread_sharing()


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
        delattr(vars(self)["_local"], alias)


class _Turns:
    """Lets one thread at a time use a connection; a wrapper of statements."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._lock = threading.RLock()

    def __call__(self, execute: _Execute, *statement: _Passed) -> _Passed:
        with self:
            return execute(*statement)

    def __enter__(self) -> None:
        # Less than a communicator waits, so that the test sees this error.
        if not self._lock.acquire(timeout=settings.current.timeout / 2):
            raise RuntimeError(
                f"two threads wait for each other on the database {self._alias!r}: a "
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
        self._lock.release()


@contextmanager
def _in_turns(turns: Mapping[str, _Turns]) -> Generator[None]:
    """Let a thread keep its turn from the begin of an atomic block to its end."""
    enter, leave = Atomic.__enter__, Atomic.__exit__

    def enter_in_turn(block: Atomic) -> None:
        turn = turns.get(get_connection(block.using).alias)
        if turn is not None:
            turn.__enter__()
        try:
            enter(block)
        except BaseException:
            if turn is not None:
                turn.__exit__(None, None, None)
            raise

    def leave_in_turn(block: Atomic, *error: _Passed) -> None:
        turn = turns.get(get_connection(block.using).alias)
        try:
            leave(block, *error)
        finally:
            if turn is not None:
                turn.__exit__(None, None, None)

    setattr(Atomic, "__enter__", enter_in_turn)  # noqa: B010
    setattr(Atomic, "__exit__", leave_in_turn)  # noqa: B010
    try:
        yield
    finally:
        setattr(Atomic, "__enter__", enter)  # noqa: B010
        setattr(Atomic, "__exit__", leave)  # noqa: B010


def _stay_open() -> None:
    """Instead of closing: with it the test's transaction, or the data, would go."""


# Channels closes old connections around each message, applications some at will.
_KEPT_OPEN = {"close_if_unusable_or_obsolete": _stay_open, "close": _stay_open}
