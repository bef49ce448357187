"""How much of each scenario every contender is asked to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from . import rounds, rounds_sync
from .application import Application, broadcast, burst, echo
from .contenders import AnyContender, Client, Contender, SyncClient
from .measure import Trial
from .ours import MESSAGE_BY_MESSAGE

Work: TypeAlias = Callable[[Client, int], Awaitable[float]]
SyncWork: TypeAlias = Callable[[SyncClient, int], float]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: the rounds of each kind and the work in a round."""

    rounds: int
    echoes: int
    bursts: int
    cycles: int
    silences: int
    waits: int
    crowd: int
    crowd_rounds: int
    peer_crowd_rounds: int
    growth: tuple[int, ...]
    suite: int
    suite_rounds: int
    peer_suite: int
    peer_suite_rounds: int
    processes: int
    django_suite: int
    django_rounds: int
    tutorial_rounds: int


FULL = Effort(
    rounds=21,
    echoes=400,
    bursts=10,
    cycles=100,
    silences=200,
    waits=3,
    crowd=1_000,
    crowd_rounds=9,
    peer_crowd_rounds=3,
    growth=(100, 1_000, 10_000),
    suite=200,
    suite_rounds=9,
    peer_suite=5,
    peer_suite_rounds=2,
    processes=15,
    django_suite=100,
    django_rounds=5,
    tutorial_rounds=5,
)
QUICK = Effort(
    rounds=2,
    echoes=20,
    bursts=1,
    cycles=5,
    silences=5,
    waits=1,
    crowd=20,
    crowd_rounds=1,
    peer_crowd_rounds=1,
    growth=(10, 100),
    suite=5,
    suite_rounds=1,
    peer_suite=1,
    peer_suite_rounds=1,
    processes=1,
    django_suite=3,
    django_rounds=1,
    tutorial_rounds=1,
)


def _once(
    contender: AnyContender,
    application: Callable[[], Application],
    work: Work,
    sync_work: SyncWork,
    repeats: int,
) -> Callable[[], float]:
    if isinstance(contender, Contender):
        return partial(rounds.in_loop, contender, application, work, repeats)
    return partial(rounds_sync.in_thread, contender, application, sync_work, repeats)


def echo_trials(effort: Effort, who: Sequence[AnyContender]) -> list[Trial]:
    works = rounds.echo_round, rounds_sync.echo_round
    return [
        Trial(one.name, _once(one, lambda: echo, *works, effort.echoes), effort.rounds)
        for one in who
    ]


def burst_trials(effort: Effort, who: Sequence[AnyContender]) -> list[Trial]:
    works = rounds.burst_round, rounds_sync.burst_round
    return [
        Trial(one.name, _once(one, lambda: burst, *works, effort.bursts), effort.rounds)
        for one in (*who[:2], MESSAGE_BY_MESSAGE, *who[2:])
    ]


def cycle_trials(effort: Effort, who: Sequence[AnyContender]) -> list[Trial]:
    works = rounds.cycle_round, rounds_sync.cycle_round
    return [
        Trial(one.name, _once(one, lambda: echo, *works, effort.cycles), effort.rounds)
        for one in who
    ]


def nothing_trials(effort: Effort, who: Sequence[AnyContender]) -> list[Trial]:
    works = rounds.nothing_round, rounds_sync.nothing_round
    return [
        Trial(
            one.name,
            _once(one, lambda: echo, *works, 1 if one.waits else effort.silences),
            effort.waits if one.waits else effort.rounds,
            0 if one.waits else 1,
            one.negative,
        )
        for one in who
    ]


def crowd_trials(
    works: tuple[Work, SyncWork], effort: Effort, who: Sequence[AnyContender]
) -> list[Trial]:
    return [_crowd_of(one, works, effort) for one in who]


def _crowd_of(one: AnyContender, works: tuple[Work, SyncWork], effort: Effort) -> Trial:
    size = min(effort.crowd, one.crowd or effort.crowd)
    once = _once(one, broadcast, *works, size)
    times = effort.peer_crowd_rounds if one.waits else effort.crowd_rounds
    warm = 0 if one.waits else 1
    if size == FULL.crowd:
        return Trial(one.name, once, times, warm)
    factor = FULL.crowd / size
    note = f"{size} of {FULL.crowd:,} connections measured, scaled"
    return Trial(one.name, lambda: once() * factor, times, warm, note)


def suite_trials(effort: Effort, who: Sequence[AnyContender]) -> list[Trial]:
    return [_suite_of(one, effort) for one in who]


def _suite_of(one: AnyContender, effort: Effort) -> Trial:
    tests = effort.peer_suite if one.waits else effort.suite
    times = effort.peer_suite_rounds if one.waits else effort.suite_rounds
    scaled = tests != FULL.suite
    note = f"{tests} of {FULL.suite} tests measured, scaled" if scaled else ""
    warm = 0 if one.waits else 1
    return Trial(one.name, partial(_suite_seconds, one, tests), times, warm, note)


def _suite_seconds(one: AnyContender, tests: int) -> float:
    if isinstance(one, Contender):
        return rounds.suite_round(one, tests) * FULL.suite
    return rounds_sync.suite_round(one, tests) * FULL.suite
