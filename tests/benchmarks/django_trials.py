"""The Django scenarios: who takes part; every round is a process of its own.

So each contender has a Django, a test database and modules of its own, and none
pays for what another has patched or left open.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import pytest

from tests.services import postgres_server

from .measure import Trial, Unavailable

OURS = "wstest_django"
CHANNELS = "channels.testing"
CHANX = "chanx"
THEIR_LAYER = f"{OURS}, their layer"
MEMORY, FILE, POSTGRESQL = "memory:", "file:", "postgresql:"

ROOT = Path(__file__).resolve().parents[2]
MANNERS = {
    OURS: "WebsocketTestCase, rolled back",
    CHANNELS: "TransactionTestCase, flushed",
    CHANX: "its WebsocketTestCase, flushed",
}
LAYERS = {
    OURS: "WebsocketTestCase, on its fresh layer",
    THEIR_LAYER: "WebsocketTestCase, on InMemoryChannelLayer",
    CHANNELS: "on InMemoryChannelLayer",
}


def suite(database: str, tests: int, times: int) -> list[Trial]:
    """Seconds for so many tests that write to the database."""
    return [
        Trial(name, partial(_seconds, "suite", name, tests, database), times, 0, note)
        for name, note in MANNERS.items()
    ]


def nothing(repeats: int, times: int, waits: int) -> list[Trial]:
    """Seconds for one negative assertion, with each library's default timeout."""
    return [
        Trial(
            name,
            partial(_seconds, "nothing", name, repeats if name == OURS else waits),
            times,
            0,
            "receive_nothing(), " + ("proved" if name == OURS else "0.1 s"),
        )
        for name in MANNERS
    ]


def crowd(size: int, times: int) -> list[Trial]:
    """Seconds for one broadcast to a group, collected by each member."""
    return [
        Trial(name, partial(_seconds, "crowd", name, size), times, 0, note)
        for name, note in LAYERS.items()
    ]


def _seconds(work: str, contender: str, size: int, database: str = MEMORY) -> float:
    if database == POSTGRESQL:
        database = _postgresql()
    arguments = [work, contender, str(size), database]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.django_rounds", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(_last_line(done.stderr))
    return float(done.stdout.splitlines()[-1])


def _last_line(text: str) -> str:
    lines: Sequence[str] = text.strip().splitlines()
    return lines[-1] if lines else "no output"


@cache
def _postgresql() -> str:
    """Start a server that lives as long as this process; return its address."""
    stack = ExitStack()
    try:
        address = stack.enter_context(postgres_server())
    except (pytest.skip.Exception, pytest.fail.Exception) as outcome:
        raise Unavailable(str(outcome)) from None
    atexit.register(stack.close)
    return address
