"""What is measured: the scenarios of one run, and what each is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from . import crowds, processes, rounds, rounds_sync, trials
from .contenders import OURS, AnyContender, everyone
from .measure import Trial
from .ours import trio_nothing_round
from .scenario import FIRST, Scenario
from .scenarios_adapters import ADAPTERS
from .trials import Effort


def _between(who: Sequence[AnyContender]) -> tuple[Scenario, ...]:
    collected = rounds.crowd_round, rounds_sync.crowd_round
    whole = rounds.whole_crowd_round, rounds_sync.whole_crowd_round
    return (
        Scenario(
            "nothing",
            "One negative assertion",
            "The application waits for input; the test asserts that nothing "
            "arrives, each contender in its own words and with its default timeout "
            "(0.1 s where there is none).",
            partial(trials.nothing_trials, who=who),
            brief="One negative assertion",
        ),
        Scenario(
            "echo",
            "Echo round trip, JSON",
            "One connection, many round trips of one small message; the application "
            "decodes and encodes with `json`.",
            partial(trials.echo_trials, who=who),
            brief="Echo round trip",
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
            "connections are set up beforehand. Here `connect()` returns when the "
            "application has dealt with its connect event, elsewhere when it has "
            "accepted.",
            partial(trials.cycle_trials, who=who),
            brief="Connect and disconnect",
        ),
        Scenario(
            "crowd",
            "1,000 connections, a plain broadcast to all, collected",
            "The connections are open; one message makes the application send to "
            "every member of a plain registry, no channel layer; one message is "
            "received on each connection.",
            partial(trials.crowd_trials, collected, who=who),
            brief="Broadcast to 1,000 clients",
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
            brief="200 tests, a negative assertion in each",
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
)


PROCESSES = (
    Scenario(
        "import",
        "Import",
        "Fresh interpreters, wall-clock time of the whole process.",
        _imports,
        processes.NO_IMPORT,
        True,
        part=FIRST,
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
        part=FIRST,
    ),
)


def scenarios(who: Sequence[AnyContender] | None = None) -> tuple[Scenario, ...]:
    """All scenarios, those with peers over `who` or everyone."""
    return (
        *_between(everyone() if who is None else who),
        *ALONE,
        *ADAPTERS,
        *PROCESSES,
    )
