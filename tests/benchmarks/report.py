"""The result as Markdown: what a reader wants first, then every scenario in full."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path

from .contenders import everyone
from .measure import Outcome, Sample, difference, find, ratio
from .scenario import Scenario
from .standings import Standing, standings
from .targets import Results, Verdict
from .units import duration, number, quantity, times

BASE = (
    *("pydantic", "pydantic-core", "anyio", "asgiref", "trio", "pytest"),
    *("django", "psycopg", "celery", "redis", "channels-redis", "fastapi"),
)


ALT = (
    "Bars: how many times as long as with this library everything takes with others. "
    "The figures stand in the tables below."
)
BARS = (
    "A bar says how many times as long as this library another takes, on a logarithmic "
    "scale: it goes to the right where the other is slower, to the left where it is "
    "faster. Green is ours. Who cannot do a thing has no bar. The *sync twin* serves "
    "tests that are plain functions: each of its calls crosses to the thread of an "
    "event loop."
)
DIFFERENCES = """\
What makes the differences:

- To see that nothing arrives, others wait a timeout out. Here it is
  [proved](why-waits-are-proofs.md). Where there is no proof (on uvloop, on a channel
  layer over a network, beside a Celery worker or a daphne that runs) the wait takes its
  whole timeout here too.
- What a Django test writes is rolled back; the others flush all tables.
- The channel layer of a test does not look at every channel whenever one of them
  receives.
- `connect()` returns when the application has dealt with its connect event, elsewhere
  when it has accepted. That costs a little, and no test needs to sleep after it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the figures depend on and the reader must know.

    `chart` is the name of a picture beside the page, or empty.
    """

    date: str
    seed: int
    quick: bool
    tolerance: float
    chart: str = ""


def charted(
    results: Results, scenarios: Sequence[Scenario]
) -> Mapping[str, Sequence[Standing]]:
    """The scenarios for the chart, by their titles in few words."""
    return {one.brief: standings(results[one.key]) for one in scenarios if one.brief}


def render(
    results: Results,
    verdicts: Sequence[Verdict],
    scenarios: Sequence[Scenario],
    setting: Setting,
) -> str:
    """The whole page."""
    parts = [
        _opening(setting),
        _summary_part(charted(results, scenarios), setting),
        _verdict_part(verdicts, setting),
        _method_part(setting),
    ]
    for part, of_it in groupby(scenarios, lambda one: one.part):
        parts.append(f"## {part}")
        parts += [_scenario_part(one, results[one.key]) for one in of_it]
    return "\n\n".join([*parts, _versions_part()]) + "\n"


def _opening(setting: Setting) -> str:
    smoke = (
        "**A smoke run with few rounds: not to be cited.**\n\n" if setting.quick else ""
    )
    return (
        "# Performance\n\n"
        "What tests cost with this library and with others, measured side by side in "
        "one run.\n\n"
        f"{smoke}"
        f"Measured on {setting.date} with {_python()} on {_machine()}. "
        "This page is written by the benchmark, `python -m tests.benchmarks --out …`; "
        "do not edit it."
    )


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def _machine() -> str:
    return f"{platform.system()}, {os.cpu_count()} CPUs, {_cpu()}"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _summary_part(panels: Mapping[str, Sequence[Standing]], setting: Setting) -> str:
    others = "fastest other (times ours)", "slowest other (times ours)"
    head = ("what", "this library", *others)
    rows = [_summary_row(title, rows) for title, rows in panels.items()]
    picture = f"![{ALT}]({setting.chart})\n\n{BARS}\n\n" if setting.chart else ""
    return f"## In short\n\n{picture}{table(head, rows)}\n\n{DIFFERENCES}"


def _summary_row(title: str, rows: Sequence[Standing]) -> tuple[str, str, str, str]:
    mine = next((duration(row.seconds) for row in rows if row.times == 1), "absent")
    others = [f"{row.name}: {times(row.times, '')}" for row in rows if not row.ours]
    slowest = others[-1] if len(others) > 1 else ""
    return title, mine, others[0] if others else "absent", slowest


def _verdict_part(verdicts: Sequence[Verdict], setting: Setting) -> str:
    head = ("figure", "target", "measured", "verdict")
    met = sum(verdict.met for verdict in verdicts)
    return (
        f"## Figures to reach: {met} of {len(verdicts)} met\n\n"
        f"{table(head, map(_verdict_row, verdicts))}\n\n"
        "The figures are advisory: `--check` fails a run only where a target is "
        f"missed by more than {setting.tolerance:.0%} of it, or was not measured."
    )


def _verdict_row(verdict: Verdict) -> tuple[str, str, str, str]:
    target = verdict.target
    bound = "at least" if target.at_least else "at most"
    limit = number(target.limit, target.unit)
    if verdict.measured is None:
        return target.figure, f"{bound} {limit}", "", "not measured"
    measured = number(verdict.measured, target.unit)
    return (
        target.figure,
        f"{bound} {limit}",
        measured,
        "met" if verdict.met else "**not met**",
    )


def _method_part(setting: Setting) -> str:
    return (
        "## How it is measured\n\n"
        "All contenders run in one process, against the same application (a bare "
        "ASGI one, where no other is named), with Django each in processes of its "
        "own. They run in interleaved rounds whose order is shuffled for each sweep "
        f"(seed {setting.seed}), with the garbage collector off inside a round and "
        "run before it. Figures are medians over the rounds; a ratio or difference is "
        "the median of those within each sweep (of the medians, where the numbers of "
        "rounds differ), so a change of load on the machine moves it little.\n\n"
        "The *floor* is what a test could write by hand: two deques and a future, "
        "`json`, nothing else. Multiples of the floor travel between machines, "
        "microseconds do not."
    )


def _scenario_part(scenario: Scenario, outcomes: Sequence[Outcome]) -> str:
    reference = scenario.reference and find(outcomes, scenario.reference)
    head = ["contender", "median", "range", "rounds", "note"]
    if isinstance(reference, Sample):
        verb = "beyond" if scenario.by_difference else "times"
        head.insert(2, f"{verb} {reference.name}")
    rows = [_row(one, reference or None, scenario) for one in outcomes]
    return (
        f"### {scenario.title}\n\n{scenario.about}\n\n"
        f"{table(head, [(row + [''] * len(head))[: len(head)] for row in rows])}"
    )


def _row(outcome: Outcome, to: Sample | None, scenario: Scenario) -> list[str]:
    if not isinstance(outcome, Sample):
        return [outcome.name, f"absent: {outcome.reason}"]
    cells = [outcome.name, quantity(outcome.median, outcome.unit)]
    if to is not None:
        cells.append(_compared(outcome, to, by_difference=scenario.by_difference))
    return [*cells, _range(outcome), str(len(outcome.values)), outcome.note]


def _compared(outcome: Sample, to: Sample, *, by_difference: bool) -> str:
    if by_difference:
        return duration(difference(outcome, to))
    return number(ratio(outcome, to))


def _range(sample: Sample) -> str:
    if len(sample.values) == 1:
        return ""
    least, most = min(sample.values), max(sample.values)
    return f"{quantity(least, sample.unit)} to {quantity(most, sample.unit)}"


def _versions_part() -> str:
    names = sorted({one.distribution for one in everyone()} - {""} | set(BASE))
    rows = [(name, _version(name)) for name in names]
    return f"## Versions\n\n{table(('package', 'version'), rows)}"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
