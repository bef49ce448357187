"""What is measured: the scenarios of one run, and what each is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from . import crowds, django_trials, processes, rounds, rounds_sync, trials
from .contenders import FLOOR, OURS, AnyContender, everyone
from .measure import Trial
from .ours import trio_nothing_round
from .trials import Effort


@dataclass(frozen=True, slots=True)
class Scenario:
    """A title, what is done, who does it how often.

    `reference` names the trial all others are set against: as multiples of it,
    or as differences from it where `by_difference` is set.
    """

    key: str
    title: str
    about: str
    trials: Callable[[Effort], list[Trial]]
    reference: str | None = FLOOR
    by_difference: bool = False


def _between(who: Sequence[AnyContender]) -> tuple[Scenario, ...]:
    collected = rounds.crowd_round, rounds_sync.crowd_round
    whole = rounds.whole_crowd_round, rounds_sync.whole_crowd_round
    return (
        Scenario(
            "echo",
            "Echo round trip, JSON",
            "One connection, many round trips of one small message; the application "
            "decodes and encodes with `json`.",
            partial(trials.echo_trials, who=who),
        ),
        Scenario(
            "burst",
            "Burst of 100 messages validated into models",
            "One request, answered by 100 frames encoded beforehand and one "
            "completion message; each frame becomes a model of a discriminated "
            "union of two.",
            partial(trials.burst_trials, who=who),
        ),
        Scenario(
            "cycle",
            "Connect and disconnect",
            "Connect, then disconnect at once. Clients that can be shared between "
            "connections are set up beforehand.",
            partial(trials.cycle_trials, who=who),
        ),
        Scenario(
            "nothing",
            "One negative assertion",
            "The application waits for input; the test asserts that nothing "
            "arrives, each contender in its own words and with its default timeout "
            "(0.1 s where there is none).",
            partial(trials.nothing_trials, who=who),
        ),
        Scenario(
            "crowd",
            "1,000 connections, a plain broadcast to all, collected",
            "The connections are open; one message makes the application send to "
            "every member of a plain registry, no channel layer; one message is "
            "received on each connection.",
            partial(trials.crowd_trials, collected, who=who),
        ),
        Scenario(
            "crowd-whole",
            "The same with connecting and disconnecting",
            "All of the above, and opening and closing the connections.",
            partial(trials.crowd_trials, whole, who=who),
        ),
        Scenario(
            "suite",
            "A suite of 200 tests with one negative assertion each",
            "Each test connects, makes one round trip, asserts that nothing more "
            "arrives and disconnects, in an event loop and client of its own; no "
            "test runner. Where a negative assertion waits its time out, a few "
            "tests are measured and the figure is scaled.",
            partial(trials.suite_trials, who=who),
        ),
    )


def _trio(effort: Effort) -> list[Trial]:
    run = partial(trio_nothing_round, effort.silences)
    return [Trial(OURS, run, effort.rounds, note="receive_nothing(), proved")]


def _growth(effort: Effort) -> list[Trial]:
    return crowds.growth(effort.growth, effort.crowd_rounds)


def _memory(effort: Effort) -> list[Trial]:
    return crowds.memory(effort.crowd)


def _imports(effort: Effort) -> list[Trial]:
    return processes.imports(effort.processes)


def _plugin(effort: Effort) -> list[Trial]:
    return processes.plugin(effort.processes)


def _django_suite(effort: Effort, database: str) -> list[Trial]:
    return django_trials.suite(database, effort.django_suite, effort.django_rounds)


def _django_nothing(effort: Effort) -> list[Trial]:
    rounds = effort.django_rounds
    return django_trials.nothing(effort.silences, rounds, effort.waits)


def _django_crowd(effort: Effort) -> list[Trial]:
    return django_trials.crowd(effort.crowd, effort.django_rounds)


ALONE = (
    Scenario(
        "nothing-trio",
        "One negative assertion on trio",
        "The same assertion in a trio run.",
        _trio,
        None,
    ),
    Scenario(
        "growth",
        "Growth with the number of connections",
        "Broadcast and collection as above, seconds for each connection.",
        _growth,
        None,
    ),
    Scenario(
        "memory",
        "Memory of a connection",
        "By `tracemalloc`, the application's own task included: after connecting, "
        "and after the broadcast was collected, transcript included.",
        _memory,
        None,
    ),
    Scenario(
        "import",
        "Import",
        "Fresh interpreters, wall-clock time of the whole process.",
        _imports,
        processes.NO_IMPORT,
        True,
    ),
    Scenario(
        "plugin",
        "The pytest plugin in a run that does not use it",
        "Fresh pytest runs over one empty test, wall-clock time of the process: "
        "alone (every import of the plugin is its own to pay), and among the "
        "plugins that happen to be installed.",
        _plugin,
        processes.ALONE_WITHOUT,
        True,
    ),
)


SUITE = (
    "Each test writes a row in `setUp`, connects, asks its Channels consumer to write "
    "another and to answer with both, disconnects and counts the rows. The project "
    "has the applications of `startproject`. The time is that of Django's runner for "
    "all tests, without the making of the test database; each round is a process of "
    "its own."
)
DJANGO = (
    Scenario(
        "django-suite-file",
        "A suite of 100 Django tests that write to an SQLite file",
        SUITE,
        partial(_django_suite, database=django_trials.FILE),
        django_trials.OURS,
    ),
    Scenario(
        "django-suite-postgresql",
        "The same on PostgreSQL",
        f"{SUITE} The server runs with `fsync=off`, which favours those who flush.",
        partial(_django_suite, database=django_trials.POSTGRESQL),
        django_trials.OURS,
    ),
    Scenario(
        "django-nothing",
        "One negative assertion in a Django test case",
        "A Channels consumer waits for input and for its channel layer; the test, in "
        "a process of its own each round, asserts that nothing arrives.",
        _django_nothing,
        django_trials.OURS,
    ),
    Scenario(
        "django-crowd",
        "1,000 Channels consumers in one group, a broadcast to it, collected",
        "One `group_send`, received on each connection, until the consumers wait "
        "again (with `channels.testing`: until it is received). In a test case, a "
        "process of its own each round.",
        _django_crowd,
        django_trials.OURS,
    ),
)


def scenarios(who: Sequence[AnyContender] | None = None) -> tuple[Scenario, ...]:
    """All scenarios, those with peers over `who` or everyone."""
    return (*_between(everyone() if who is None else who), *ALONE, *DJANGO)
