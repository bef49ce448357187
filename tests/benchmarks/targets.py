"""The figures to reach, and whether they are met."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from . import crowds, django_trials, processes
from .contenders import FLOOR, OURS
from .measure import Outcome, Sample, difference, find, ratio

Results: TypeAlias = Mapping[str, Sequence[Outcome]]
Measure: TypeAlias = Callable[[Results], float | None]

CHANNELS = django_trials.CHANNELS


@dataclass(frozen=True, slots=True)
class Target:
    """One figure: `limit` is the most it may be, or the least if `at_least`."""

    scenario: str
    figure: str
    limit: float
    unit: str
    measure: Measure
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target with what was measured; None where nothing could be."""

    target: Target
    measured: float | None

    @property
    def met(self) -> bool:
        return self.within(0.0)

    def within(self, tolerance: float) -> bool:
        """Whether the target is missed by no more than this share of it."""
        if self.measured is None:
            return False
        if self.target.at_least:
            return self.measured * (1 + tolerance) >= self.target.limit
        return self.measured <= self.target.limit * (1 + tolerance)


def _cost(key: str, scale: float) -> Measure:
    def measure(results: Results) -> float | None:
        ours = find(results.get(key, ()), OURS)
        return None if ours is None else ours.median * scale

    return measure


def _over_floor(key: str) -> Measure:
    def measure(results: Results) -> float | None:
        return _between(results, key, OURS, FLOOR, ratio)

    return measure


def _times_faster(key: str, peer: str, ours: str = OURS) -> Measure:
    def measure(results: Results) -> float | None:
        return _between(results, key, peer, ours, ratio)

    return measure


def _slower_by(key: str, one: str, other: str) -> Measure:
    def measure(results: Results) -> float | None:
        seconds = _between(results, key, one, other, difference)
        return None if seconds is None else seconds * 1e3

    return measure


def _between(
    results: Results,
    key: str,
    one: str,
    other: str,
    compare: Callable[[Sample, Sample], float],
) -> float | None:
    outcomes = results.get(key, ())
    mine, theirs = find(outcomes, one), find(outcomes, other)
    return None if mine is None or theirs is None else compare(mine, theirs)


def peers(outcomes: Sequence[Outcome]) -> list[Sample]:
    """The samples of other libraries."""
    return [
        outcome
        for outcome in outcomes
        if isinstance(outcome, Sample)
        and outcome.name != FLOOR
        and not outcome.name.startswith(OURS)
    ]


def _over_fastest(key: str) -> Measure:
    def measure(results: Results) -> float | None:
        outcomes = results.get(key, ())
        ours, others = find(outcomes, OURS), peers(outcomes)
        if ours is None or not others:
            return None
        return max(ratio(ours, peer) for peer in others)

    return measure


def _exponent(sizes: Sequence[int]) -> Measure:
    def measure(results: Results) -> float | None:
        return crowds.exponent(results.get("growth", ()), OURS, sizes)

    return measure


def _kib(results: Results) -> float | None:
    name = crowds.memory_name(OURS, crowds.COLLECTED)
    sample = find(results.get("memory", ()), name)
    return None if sample is None else sample.median


def _against_floor(key: str, figure: str, limit: float) -> tuple[Target, Target]:
    return (
        Target(key, f"{figure}, over the floor", limit, "times", _over_floor(key)),
        Target(key, f"{figure}, over the fastest peer", 1, "times", _over_fastest(key)),
    )


def _silence() -> tuple[Target, ...]:
    nothing = "proved “nothing received”"
    times = f"{nothing}, times cheaper than {CHANNELS}"
    cheaper = _times_faster("nothing", CHANNELS)
    trio = _cost("nothing-trio", 1e6)
    return (
        Target("nothing", f"{nothing}, asyncio", 60, "µs", _cost("nothing", 1e6)),
        Target("nothing", times, 1_000, "times", cheaper, at_least=True),
        Target("nothing-trio", f"{nothing}, trio", 200, "µs", trio),
    )


def _crowds(sizes: Sequence[int]) -> tuple[Target, ...]:
    broadcast = "broadcast to 1,000, collected"
    span = f"{sizes[0]:,} to {sizes[-1]:,} connections"
    growth = f"growth from {span} (exponent: 1 is linear)"
    return (
        Target(
            "crowd", f"{broadcast}, over the floor", 1.5, "times", _over_floor("crowd")
        ),
        Target("growth", growth, 1.1, "", _exponent(sizes)),
        Target("memory", "memory of a connection, collected", 6, "KiB", _kib),
    )


def _before_the_first_test() -> tuple[Target, ...]:
    beyond = _slower_by("import", processes.CORE, processes.PYDANTIC)
    plugin = _slower_by("plugin", processes.ALONE_WITH, processes.ALONE_WITHOUT)
    return (
        Target("import", "import wstest_core beyond import pydantic", 20, "ms", beyond),
        Target("plugin", "pytest plugin in a run without use for it", 10, "ms", plugin),
    )


def _django() -> tuple[Target, ...]:
    peers = (CHANNELS, django_trials.CHANX)
    suite = "suite of 100 Django tests that write to"
    places = {"file": "an SQLite file", "postgresql": "PostgreSQL"}
    nothing = "proved “nothing received” in a Django test, times cheaper than"
    crowd = "broadcast to 1,000 consumers, times faster than on InMemoryChannelLayer"
    return (
        *(
            _django_ratio(
                f"suite-{key}", f"{suite} {place}, times faster than {peer}", peer, 5
            )
            for key, place in places.items()
            for peer in peers
        ),
        *(_django_ratio("nothing", f"{nothing} {peer}", peer, 1_000) for peer in peers),
        _django_ratio("crowd", crowd, django_trials.THEIR_LAYER, 3),
    )


def _django_ratio(key: str, figure: str, peer: str, limit: float) -> Target:
    scenario = f"django-{key}"
    measure = _times_faster(scenario, peer, django_trials.OURS)
    return Target(scenario, figure, limit, "times", measure, at_least=True)


def targets(sizes: Sequence[int]) -> tuple[Target, ...]:
    """Every figure of the issues; `sizes` are the crowds growth is judged by."""
    suite = f"suite of 200 tests, times faster than {CHANNELS}"
    faster = _times_faster("suite", CHANNELS)
    return (
        *_silence(),
        *_against_floor("echo", "echo round trip", 1.1),
        *_against_floor("burst", "burst of 100 models", 1.3),
        *_against_floor("cycle", "connect and disconnect", 2),
        *_crowds(sizes),
        Target("suite", suite, 300, "times", faster, at_least=True),
        *_before_the_first_test(),
        *_django(),
    )


def verdicts(results: Results, sizes: Sequence[int]) -> list[Verdict]:
    """Each target of the scenarios that were run, with its measured figure."""
    return [
        Verdict(one, one.measure(results))
        for one in targets(sizes)
        if one.scenario in results
    ]
