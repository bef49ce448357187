"""The tutorial's 16 tests, on chanx's own test case and on this library's.

The tests of docs/examples/django_tutorial/, which use only verbs that both have, by
Django's runner on a PostgreSQL. Both have one Celery worker for the class that needs
it, which looks for tasks a hundred times in a second. chanx's test case has the channel
layer of the settings, on a Redis that is started for it: a worker's thread cannot wake
those who wait at Channels' layer in memory. Each round is a process of its own.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from statistics import median

from . import fresh
from .measure import Trial

HERE = Path(__file__).resolve()
EXAMPLE = HERE.parents[2] / "docs" / "examples" / "django_tutorial"
ROUND = HERE.with_name("tutorial_round.py")
OURS, OURS_PLAIN, CHANX = "wstest_django", "wstest_django, plain", "chanx"
MANNERS = {
    OURS: "WebsocketTestCase, chanx's consumers",
    OURS_PLAIN: "WebsocketTestCase, consumers of plain Channels",
    CHANX: "its WebsocketTestCase, its consumers",
}


def trials(times: int) -> list[Trial]:
    """Seconds for all tests; the note says apart what the tasks slept of it."""
    return [_trial(name, manner, times) for name, manner in MANNERS.items()]


def _trial(name: str, manner: str, times: int) -> Trial:
    slept: list[float] = []

    def note() -> str:
        return f"{manner}; of it the tasks slept {median(slept):.2f} s"

    return Trial(name, partial(_seconds, name, slept), times, 0, note)


def _seconds(contender: str, slept: list[float]) -> float:
    arguments = ["-P", str(ROUND), contender, fresh.postgresql()]
    printed = fresh.output(arguments, cwd=EXAMPLE, environment=_environment())
    total, of_tasks = map(float, printed.split())
    slept.append(of_tasks)
    return total


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(EXAMPLE),
        # The settings add the number of a database.
        "REDIS_URL": fresh.redis().removesuffix("/0"),
    }
