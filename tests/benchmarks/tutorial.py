"""The tutorial's 16 tests, on chanx's own test case and on this library's.

    python -m tests.benchmarks.tutorial [rounds [memory:]]

The tests of docs/examples/django_tutorial/, which use only verbs that both have, by
Django's runner, on a PostgreSQL, or on SQLite in memory. Both have one Celery worker
for the class that needs it, which looks for tasks a hundred times in a second. chanx's
test case has the channel layer of the settings, on a Redis that is started for it: a
worker's thread cannot wake those who wait at Channels' layer in memory. Interleaved
rounds, each in a process of its own; medians, and apart what the tasks have slept.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from tests.services import postgres_server, redis_server

from .measure import Outcome, Sample, Trial, Unavailable, find, interleave, ratio

HERE = Path(__file__).resolve()
EXAMPLE = HERE.parents[2] / "docs" / "examples" / "django_tutorial"
ROUND = HERE.with_name("tutorial_round.py")
OURS, OURS_PLAIN, CHANX = "wstest_django", "wstest_django, plain", "chanx"
CONTENDERS = (OURS, OURS_PLAIN, CHANX)


def seconds(contender: str, database: str, redis: str, slept: list[float]) -> float:
    """How long the tests take; `slept` gets what their tasks slept of it."""
    done = subprocess.run(
        [sys.executable, "-P", str(ROUND), contender, database],
        cwd=EXAMPLE,
        env={**os.environ, **_environment(redis)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise Unavailable(lines[-1])
    total, of_tasks = map(float, done.stdout.split())
    slept.append(of_tasks)
    return total


def _environment(redis: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(EXAMPLE),
        # The settings add the number of a database.
        "REDIS_URL": redis.removesuffix("/0"),
    }


@contextmanager
def services(database: str | None) -> Iterator[tuple[str, str]]:
    """Start what the rounds need; yield the addresses of database and Redis."""
    with redis_server() as redis:
        if database is None:
            with postgres_server() as started:
                yield started, redis
        else:
            yield database, redis


def main(rounds: str = "5", database: str | None = None) -> None:
    """Print a line for each contender, and how they compare."""
    slept: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with services(database) as addresses:
        outcomes = interleave(
            (
                Trial(
                    name, partial(seconds, name, *addresses, slept[name]), int(rounds)
                )
                for name in CONTENDERS
            ),
            seed=0,
        )
    base = find(outcomes, OURS)
    if base is None:
        raise SystemExit(f"ours took no part: {outcomes}")
    print("16 tests of the Django tutorial: chat, assistant, Celery")
    for outcome in outcomes:
        print(_line(outcome, base, slept[outcome.name]))


def _line(outcome: Outcome, base: Sample, slept: list[float]) -> str:
    if not isinstance(outcome, Sample):
        return f"  {outcome.name:22} absent: {outcome.reason}"
    return (
        f"  {outcome.name:22}{outcome.median:8.2f} s, tasks slept {median(slept):.2f} s"
        f" {ratio(outcome, base):8.1f} times ours"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
