"""Runs the benchmark: `python -m tests.benchmarks --out docs/….md`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from .chart import chart
from .measure import interleave, say
from .report import Setting, charted, render
from .scenario import Scenario
from .scenarios import scenarios
from .targets import Results, Verdict, verdicts
from .trials import FULL, QUICK, Effort


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--out", type=Path, help="write the report here, its chart beside it"
    )
    parser.add_argument("--quick", action="store_true", help="few rounds: a smoke run")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 if a target is missed"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.1,
        help="how far --check lets a target be missed, as a share (0.1)",
    )
    parser.add_argument("--seed", type=int, default=2, help="of the order of rounds")
    parser.add_argument(
        "--only",
        action="append",
        metavar="SCENARIO",
        choices=[one.key for one in scenarios()],
        help="run this scenario; repeatable; targets of others are not measured",
    )
    return parser.parse_args(argv)


def run(chosen: Sequence[Scenario], effort: Effort, *, seed: int) -> Results:
    """Runs the scenarios one after another, all contenders in each."""
    results = {}
    for scenario in chosen:
        start = perf_counter()
        results[scenario.key] = interleave(scenario.trials(effort), seed=seed)
        say(f"{scenario.key}: {perf_counter() - start:.1f} s")
    return results


def _missed(judged: Sequence[Verdict], tolerance: float) -> list[str]:
    return [one.target.figure for one in judged if not one.within(tolerance)]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs, reports, and with `--check` judges."""
    asked = _arguments(argv)
    effort = QUICK if asked.quick else FULL
    chosen = [one for one in scenarios() if not asked.only or one.key in asked.only]
    results = run(chosen, effort, seed=asked.seed)
    judged = verdicts(results, effort.growth)
    today = datetime.now(UTC).date().isoformat()
    picture = asked.out.with_suffix(".svg") if asked.out else None
    setting = Setting(
        today, asked.seed, asked.quick, asked.tolerance, picture.name if picture else ""
    )
    _write(render(results, judged, chosen, setting), asked.out)
    if picture:
        _write(chart(charted(results, chosen)), picture)
    missed = _missed(judged, asked.tolerance)
    for figure in missed:
        say(f"missed or not measured: {figure}")
    return 1 if asked.check and missed else 0


def _write(page: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(page)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
