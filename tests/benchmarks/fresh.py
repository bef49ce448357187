"""Rounds in fresh interpreters, and the servers that they share."""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.services import postgres_server, redis_server

from .measure import Unavailable


def output(
    arguments: Sequence[str],
    *,
    cwd: Path | str,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What a Python with these arguments prints; a failure is told by its last line."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise Unavailable(lines[-1])
    return done.stdout


@cache
def postgresql() -> str:
    """The address of a PostgreSQL that lives as long as this process."""
    return _started(postgres_server)


@cache
def redis() -> str:
    """The address of a Redis that lives as long as this process."""
    return _started(redis_server)


def _started(server: Callable[[], AbstractContextManager[str]]) -> str:
    stack = ExitStack()
    try:
        address = stack.enter_context(server())
    except (pytest.skip.Exception, pytest.fail.Exception) as outcome:
        raise Unavailable(str(outcome)) from None
    atexit.register(stack.close)
    return address
