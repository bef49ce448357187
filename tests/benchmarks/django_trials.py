"""The Django scenarios: who takes part; every round is a process of its own.

So each contender has a Django, a test database and modules of its own, and none
pays for what another has patched or left open.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from . import fresh
from .measure import Trial

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
    address = fresh.postgresql() if database == POSTGRESQL else database
    module = ["-m", "tests.benchmarks.django_rounds"]
    printed = fresh.output([*module, work, contender, str(size), address], cwd=ROOT)
    return float(printed.splitlines()[-1])
