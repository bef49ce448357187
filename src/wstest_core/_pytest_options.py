"""The options of the pytest plugin: of a run, and of the marks of a test."""

import math
from argparse import BooleanOptionalAction
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

import pytest

from wstest_core import settings

__all__ = ["MARKER", "add", "of_the_marks", "of_the_run"]

MARKER: Final = "wstest(*, timeout=None, unread=None, virtual_clock=None)"
_Ini: TypeAlias = Any  # of the type that the option was declared with
_Check: TypeAlias = Callable[[object], object]


def add(parser: pytest.Parser) -> None:
    """Add the options, each to the command line and to the ini file."""
    group = parser.getgroup("wstest", "WebSocket tests (wstest-core)")
    timeout = "seconds after which a communicator's wait gives up (default: 1)"
    unread = "what to do about unread frames: warn (default), error or ignore"
    clock = "let time jump over waits while a communicator is connected"
    group.addoption("--wstest-timeout", metavar="SECONDS", help=timeout)
    group.addoption("--wstest-unread", metavar="POLICY", help=unread)
    pages = "leave a page of HTML for each failing test in this folder, with a list"
    group.addoption("--wstest-report", metavar="DIR", help=pages)
    group.addoption(
        "--wstest-virtual-clock",
        action=BooleanOptionalAction,
        default=None,
        help=clock,
    )
    # So that pytest's own TOML takes a number, from the first version that can.
    number: Literal["float", "string"] = "string"
    if pytest.version_tuple >= (8, 4):
        number = "float"
    parser.addini("wstest_timeout", timeout, type=number, default=None)
    parser.addini("wstest_unread", unread, type="string", default=None)
    parser.addini("wstest_virtual_clock", clock, type="bool", default=None)
    parser.addini(
        "wstest_harmless_threads",
        "names (patterns) of threads that never talk to the application's event loop",
        type="linelist",
        default=(),
    )


def of_the_run(config: pytest.Config) -> dict[str, object]:
    """Return the settings that the command line and the ini file change."""
    changes = dict(_given(config))
    if threads := _ini(config, "wstest_harmless_threads"):
        known = settings.current.harmless_threads
        changes["harmless_threads"] = (*known, *threads)
    return changes


def _given(config: pytest.Config) -> Iterator[tuple[str, object]]:
    for name in _CHECKS:
        option, ini = config.getoption(f"wstest_{name}"), f"wstest_{name}"
        if option is not None:
            yield name, _checked(name, option, f"--{ini.replace('_', '-')}")
        elif (value := _ini(config, ini)) not in (None, "", []):
            yield name, _checked(name, value, ini)


def _ini(config: pytest.Config, name: str) -> _Ini:
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise ValueError(f"{name}: {error}") from None


def _checked(name: str, value: object, where: str) -> object:
    """Return a setting's value, or raise ValueError with what is possible."""
    check, possible = _CHECKS[name]
    try:
        return check(value)
    except (TypeError, ValueError):
        raise ValueError(f"{where}={value!r}: give {possible}") from None


def _timeout(value: object) -> float:
    seconds = float(value) if isinstance(value, str | int | float) else math.nan
    if isinstance(value, bool) or not seconds >= 0:
        raise ValueError
    return seconds


def _unread(value: object) -> object:
    if value not in ("warn", "error", "ignore"):
        raise ValueError
    return value


def _virtual_clock(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_CHECKS: Mapping[str, tuple[_Check, str]] = {
    "timeout": (_timeout, "seconds, 0 or more"),
    "unread": (_unread, "'warn', 'error' or 'ignore'"),
    "virtual_clock": (_virtual_clock, "true or false"),
}


def of_the_marks(item: pytest.Item) -> dict[str, object]:
    """Return the settings that the marks of a test change."""
    changes: dict[str, object] = {}
    for mark in item.iter_markers("wstest"):  # the closest first
        if mark.args:
            raise ValueError(f"the mark {MARKER} takes no positional arguments")
        if unknown := ", ".join(sorted(mark.kwargs.keys() - _CHECKS.keys())):
            raise ValueError(f"the mark {MARKER} has no argument {unknown}")
        for name, value in mark.kwargs.items():
            if value is not None:
                changes.setdefault(name, _checked(name, value, f"wstest: {name}"))
    return changes
