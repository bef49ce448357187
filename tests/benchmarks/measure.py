"""How anything is timed here: interleaved rounds, medians, the collector at rest."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from time import perf_counter
from typing import Self, TypeAlias


class Unavailable(Exception):
    """What the scenario asks for cannot be had here; the text is the reason."""


class Stopwatch:
    """Times a block with the garbage collector emptied before and off meanwhile."""

    seconds: float = 0.0

    def __enter__(self) -> Self:
        gc.collect()
        gc.disable()
        self._start = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = perf_counter() - self._start
        gc.enable()


@dataclass(frozen=True, slots=True)
class Trial:
    """One contender's part: `run` does one round and tells its cost, in `unit`.

    A `note` that depends on the rounds is a function, called after the last.
    """

    name: str
    run: Callable[[], float]
    rounds: int
    warm: int = 1
    note: str | Callable[[], str] = ""
    unit: str = "s"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the rounds of one contender cost, in the order of the sweeps."""

    name: str
    values: tuple[float, ...]
    note: str = ""
    unit: str = "s"

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass(frozen=True, slots=True)
class Absent:
    """A contender that could not take part, and why."""

    name: str
    reason: str


Outcome: TypeAlias = Sample | Absent


def ratio(sample: Sample, to: Sample) -> float:
    """The median of the ratios within each sweep, which load moves least.

    Samples of unlike length took part in unlike sweeps: their medians are compared.
    """
    if len(sample.values) != len(to.values):
        return sample.median / to.median
    pairs = zip(sample.values, to.values, strict=True)
    return median(mine / theirs for mine, theirs in pairs)


def difference(sample: Sample, to: Sample) -> float:
    """The median of the differences within each sweep, as for `ratio`."""
    if len(sample.values) != len(to.values):
        return sample.median - to.median
    pairs = zip(sample.values, to.values, strict=True)
    return median(mine - theirs for mine, theirs in pairs)


def reason(error: BaseException) -> str:
    """One line saying what happened, without a path of this machine."""
    if isinstance(error, BaseExceptionGroup):
        return reason(error.exceptions[0])
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    text = str(error).splitlines()
    if text and isinstance(error, Unavailable):
        return text[0]
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


class _Run:
    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.values: list[float] = []
        self.failure: str | None = None

    def sweep(self, number: int) -> None:
        """Takes part in a sweep; sweeps before number 0 are the warm-up."""
        if self.failure is not None or not self._due(number):
            return
        try:
            value = self.trial.run()
        except Exception as error:  # a broken contender must not end the run
            self.failure = reason(error)
        else:
            if number >= 0:
                self.values.append(value)

    def _due(self, number: int) -> bool:
        return -self.trial.warm <= number < self.trial.rounds

    def outcome(self) -> Outcome:
        trial = self.trial
        if self.failure is not None:
            return Absent(trial.name, self.failure)
        note = trial.note if isinstance(trial.note, str) else trial.note()
        return Sample(trial.name, tuple(self.values), note, trial.unit)


def interleave(trials: Iterable[Trial], *, seed: int) -> list[Outcome]:
    """Runs every trial once a sweep, in an order shuffled anew for each sweep."""
    runs = [_Run(trial) for trial in trials]
    order, random = list(runs), Random(seed)
    first = -max((run.trial.warm for run in runs), default=0)
    last = max((run.trial.rounds for run in runs), default=0)
    for number in range(first, last):
        random.shuffle(order)
        for run in order:
            run.sweep(number)
    return [run.outcome() for run in runs]


def find(outcomes: Sequence[Outcome], name: str) -> Sample | None:
    """The sample of that name, if it was taken."""
    for outcome in outcomes:
        if isinstance(outcome, Sample) and outcome.name == name:
            return outcome
    return None


def say(text: str) -> None:
    """Tells progress on stderr: the report owns stdout."""
    print(text, file=sys.stderr, flush=True)
