"""Defaults that hold where a communicator is not told otherwise.

The pytest plugin sets them from its ini options, command line and marker.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

__all__ = [
    "Settings",
    "Unread",
    "check_seconds",
    "current",
    "debugger_attached",
    "in_plain_test",
    "override",
    "stepping",
]

Unread: TypeAlias = Literal["warn", "error", "ignore"]


@dataclass(slots=True)
class Settings:
    """What a communicator falls back on.

    `timeout` is in seconds and guards against hanging. `unread` says what
    happens to frames a test left unread. `virtual_clock` lets the loop jump
    over waits while a communicator is connected. `idle_socket_grace` is how
    many seconds a wait listens to idle sockets before it presumes silence.
    `harmless_threads` are `fnmatch` patterns of names of threads that never
    talk to the application's event loop. `keep_transcripts` keeps the last
    transcripts alive for a report.
    """

    timeout: float = 1.0
    unread: Unread = "warn"
    virtual_clock: bool = False
    idle_socket_grace: float = 0.02
    harmless_threads: tuple[str, ...] = ()
    keep_transcripts: bool = False


current: Settings = Settings()

# Tracing is a thread's own affair; this tells a loop's thread about the test's.
stepping: ContextVar[bool] = ContextVar("stepping", default=False)


@contextmanager
def override(**changes: object) -> Generator[Settings]:
    """Change the defaults within a block.

    Raises:
        TypeError: for a name that is not a setting.
    """
    known = {field.name for field in fields(Settings)}
    if unknown := changes.keys() - known:
        raise TypeError(
            f"no such setting: {', '.join(sorted(unknown))}; "
            f"there are {', '.join(sorted(known))}"
        )
    before = {name: getattr(current, name) for name in changes}
    for name, value in changes.items():
        setattr(current, name, value)
    try:
        yield current
    finally:
        for name, value in before.items():
            setattr(current, name, value)


def check_seconds(timeout: object) -> float:
    """Return a number of seconds to wait.

    Raises:
        ValueError: for a number that is negative or not a number.
        TypeError: for anything else.
    """
    if not isinstance(timeout, (float, int)):
        raise TypeError(f"timeout={timeout!r}: give seconds, as a number")
    if timeout >= 0:
        return timeout
    raise ValueError(f"timeout={timeout!r}: give seconds, 0 or more")


def in_plain_test() -> bool:
    """Whether what runs here serves a test that is no coroutine."""
    return stepping.get(None) is not None


def debugger_attached() -> bool:
    """Whether a person is stepping through the code, so timeouts must wait."""
    if stepping.get():
        return True
    trace = sys.gettrace()
    if trace is not None:
        home = getattr(trace, "__module__", None) or type(trace).__module__
        if home.split(".")[0] in _DEBUGGERS or "pydevd" in home:
            return True
    if _monitoring is None:
        return False
    return _monitoring.get_tool(_monitoring.DEBUGGER_ID) is not None


_monitoring = getattr(sys, "monitoring", None)  # Python 3.12 and later
_DEBUGGERS = frozenset({"bdb", "pdb", "debugpy", "pudb", "ipdb"})
