"""What is measured of the adapters, for Django and for FastAPI."""

from __future__ import annotations

from functools import partial

from . import django_trials, tutorial
from .measure import Trial
from .scenario import DJANGO, FASTAPI, Scenario
from .trials import Effort


def _fastapi_suite(effort: Effort) -> list[Trial]:
    from . import suites

    return suites.trials(effort)


def _fastapi_crowd(effort: Effort, *, whole: bool) -> list[Trial]:
    from . import layers

    return layers.trials(effort.crowd, effort.crowd_rounds, whole=whole)


def _django_suite(effort: Effort, database: str) -> list[Trial]:
    return django_trials.suite(database, effort.django_suite, effort.django_rounds)


def _django_nothing(effort: Effort) -> list[Trial]:
    rounds = effort.django_rounds
    return django_trials.nothing(effort.silences, rounds, effort.waits)


def _django_crowd(effort: Effort) -> list[Trial]:
    return django_trials.crowd(effort.crowd, effort.django_rounds)


def _tutorial(effort: Effort) -> list[Trial]:
    return tutorial.trials(effort.tutorial_rounds)


SUITE = (
    "Each test writes a row in `setUp`, connects, asks its Channels consumer to write "
    "another and to answer with both, disconnects and counts the rows. The project "
    "has the applications of `startproject`. The time is that of Django's runner for "
    "all tests, without the making of the test database; each round is a process of "
    "its own."
)
TUTORIAL = (
    "Chat rooms, an assistant that streams, and jobs that a real Celery worker does: "
    "the tests of `docs/examples/django_tutorial/`, by Django's runner, on PostgreSQL. "
    "The same methods run on both test cases. Both have one worker for the class that "
    "needs it, whose start and end are within the time. For chanx the channel layer is "
    "on a Redis, because a worker's thread cannot wake those who wait at Channels' "
    "layer in memory. What the tasks sleep is part of the time, and named in the note."
    "\n\n"
    "chanx's own tutorial shows a run of 16 tests of this kind that took 48.09 s. That "
    "is no measurement of ours: a worker was started and stopped for each test that "
    "had one, which made up most of it, and its tasks sleep for seconds."
)
ADAPTERS = (
    Scenario(
        "django-suite-file",
        "A suite of 100 Django tests that write to an SQLite file",
        SUITE,
        partial(_django_suite, database=django_trials.FILE),
        django_trials.OURS,
        brief="100 Django tests that write, SQLite file",
        part=DJANGO,
    ),
    Scenario(
        "django-suite-postgresql",
        "The same on PostgreSQL",
        "The server runs with `fsync=off`, which favours those who flush.",
        partial(_django_suite, database=django_trials.POSTGRESQL),
        django_trials.OURS,
        brief="100 Django tests that write, PostgreSQL",
        part=DJANGO,
    ),
    Scenario(
        "django-nothing",
        "One negative assertion in a Django test case",
        "A Channels consumer waits for input and for its channel layer; the test, in "
        "a process of its own each round, asserts that nothing arrives.",
        _django_nothing,
        django_trials.OURS,
        part=DJANGO,
    ),
    Scenario(
        "django-crowd",
        "1,000 Channels consumers in one group, a broadcast to it, collected",
        "One `group_send`, received on each connection, until the consumers wait "
        "again (with `channels.testing`: until it is received). In a test case, a "
        "process of its own each round.",
        _django_crowd,
        django_trials.OURS,
        part=DJANGO,
    ),
    Scenario(
        "django-tutorial",
        "The 16 tests of the Django tutorial",
        TUTORIAL,
        _tutorial,
        tutorial.OURS,
        brief="16 Django tests of a tutorial, with Celery",
        part=DJANGO,
    ),
    Scenario(
        "fastapi-suite",
        "A suite of 200 tests of a FastAPI application",
        "Each test connects, makes three round trips, asserts that nothing more "
        "arrives and disconnects, in an event loop of its own.",
        _fastapi_suite,
        "wstest_fastapi",
        brief="200 FastAPI tests",
        part=FASTAPI,
    ),
    Scenario(
        "fastapi-crowd",
        "1,000 fast-channels consumers in one group, a broadcast to it, collected",
        "One `group_send`, received on each connection, until the consumers wait "
        "again: over fast-channels' own layer in memory, and over the fresh one that "
        "tests get.",
        partial(_fastapi_crowd, whole=False),
        "FreshLayer",
        part=FASTAPI,
    ),
    Scenario(
        "fastapi-crowd-whole",
        "The same broadcast with connecting and disconnecting",
        "All of the above, and opening and closing the connections.",
        partial(_fastapi_crowd, whole=True),
        "FreshLayer",
        part=FASTAPI,
    ),
)
