"""The result as Markdown: verdicts first, then every scenario with every contender."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .contenders import everyone
from .measure import Outcome, Sample, difference, find, ratio
from .scenarios import Scenario
from .targets import Results, Verdict

BASE = (
    *("pydantic", "pydantic-core", "anyio", "asgiref", "trio", "pytest"),
    *("django", "psycopg"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the figures depend on and the reader must know."""

    date: str
    seed: int
    quick: bool
    tolerance: float


def render(
    results: Results,
    verdicts: Sequence[Verdict],
    scenarios: Sequence[Scenario],
    setting: Setting,
) -> str:
    """The whole page."""
    parts = [
        _opening(setting),
        _verdict_part(verdicts, setting),
        *(_scenario_part(one, results[one.key]) for one in scenarios),
        _versions_part(),
    ]
    return "\n\n".join(parts) + "\n"


def _opening(setting: Setting) -> str:
    smoke = (
        "**A smoke run with few rounds: not to be cited.**\n\n" if setting.quick else ""
    )
    return (
        "# Performance\n\n"
        "This page is written by the benchmark, `python -m tests.benchmarks --out …`; "
        "do not edit it.\n\n"
        f"{smoke}"
        f"Measured on {setting.date} with {_python()} on {_machine()}.\n\n"
        "All contenders run in one process, against the same bare ASGI application "
        "(where Django takes part: each in processes of its own), "
        "in interleaved rounds whose order is shuffled for each sweep "
        f"(seed {setting.seed}), with the garbage collector off inside a round and "
        "run before it. Figures are medians over the rounds; a ratio or difference is "
        "the median of those within each sweep (of the medians, where the numbers of "
        "rounds differ), so a change of load on the machine moves it little. The "
        "*floor* is what a test could write by hand: two deques and a future, `json`, "
        "nothing else. Multiples of the floor travel between machines, microseconds "
        "do not."
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
    limit = _number(target.limit, target.unit)
    if verdict.measured is None:
        return target.figure, f"{bound} {limit}", "", "not measured"
    measured = _number(verdict.measured, target.unit)
    return (
        target.figure,
        f"{bound} {limit}",
        measured,
        "met" if verdict.met else "**not met**",
    )


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best, three digits."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if abs(seconds) * factor >= 1:
            return _number(seconds * factor, unit)
    return _number(seconds * 1e6, "µs")


def _scenario_part(scenario: Scenario, outcomes: Sequence[Outcome]) -> str:
    reference = scenario.reference and find(outcomes, scenario.reference)
    head = ["contender", "median", "range", "rounds", "note"]
    if isinstance(reference, Sample):
        verb = "beyond" if scenario.by_difference else "times"
        head.insert(2, f"{verb} {reference.name}")
    rows = [_row(one, reference or None, scenario) for one in outcomes]
    return (
        f"## {scenario.title}\n\n{scenario.about}\n\n"
        f"{table(head, [(row + [''] * len(head))[: len(head)] for row in rows])}"
    )


def _row(outcome: Outcome, to: Sample | None, scenario: Scenario) -> list[str]:
    if not isinstance(outcome, Sample):
        return [outcome.name, f"absent: {outcome.reason}"]
    cells = [outcome.name, _quantity(outcome.median, outcome.unit)]
    if to is not None:
        cells.append(_compared(outcome, to, by_difference=scenario.by_difference))
    return [*cells, _range(outcome), str(len(outcome.values)), outcome.note]


def _compared(outcome: Sample, to: Sample, *, by_difference: bool) -> str:
    if by_difference:
        return duration(difference(outcome, to))
    return _number(ratio(outcome, to), "")


def _range(sample: Sample) -> str:
    if len(sample.values) == 1:
        return ""
    least, most = min(sample.values), max(sample.values)
    return f"{_quantity(least, sample.unit)} to {_quantity(most, sample.unit)}"


def _quantity(value: float, unit: str) -> str:
    return duration(value) if unit == "s" else _number(value, unit)


def _versions_part() -> str:
    names = sorted({one.distribution for one in everyone()} - {""} | set(BASE))
    rows = [(name, _version(name)) for name in names]
    return f"## Versions\n\n{table(('package', 'version'), rows)}"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
