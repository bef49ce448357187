"""The benchmark itself: that it runs, reports every contender, and judges."""

from __future__ import annotations

import pytest

from . import django_trials
from .contenders import FLOOR, OURS, Contender, everyone
from .measure import Absent, Sample, Trial, interleave, ratio
from .report import Setting, render, table
from .scenarios import Scenario, scenarios
from .targets import Target, Verdict, verdicts
from .trials import QUICK

SETTING = Setting("2000-01-01", seed=1, quick=True, tolerance=0.1)


def _pair() -> list[Contender]:
    pair = [one for one in everyone() if one.name in (FLOOR, OURS)]
    return [one for one in pair if isinstance(one, Contender)]


def _scenario(key: str) -> Scenario:
    return next(one for one in scenarios(_pair()) if one.key == key)


def _rows(page: str, first: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(f"| {first} |")]


@pytest.mark.parametrize("key", ["echo", "burst", "cycle", "nothing", "crowd"])
def test_floor_and_ours_take_part(key: str) -> None:
    """In each scenario the floor and this library both yield samples."""
    outcomes = interleave(_scenario(key).trials(QUICK), seed=1)
    absent = [one for one in outcomes if isinstance(one, Absent)]
    assert absent == []
    assert {FLOOR, OURS} <= {one.name for one in outcomes}


@pytest.mark.parametrize("key", ["suite-postgresql", "nothing", "crowd"])
def test_ours_takes_part_in_django(key: str) -> None:
    """In each Django scenario our test case yields a sample."""
    trials = _scenario(f"django-{key}").trials(QUICK)
    ours = [one for one in trials if one.name == django_trials.OURS]
    (outcome,) = interleave(ours, seed=1)
    assert isinstance(outcome, Sample), outcome.reason


def test_peers_take_part_in_django() -> None:
    """So do those of Channels and chanx, and the figures are judged."""
    key = "django-suite-file"
    outcomes = interleave(_scenario(key).trials(QUICK), seed=1)
    assert [one for one in outcomes if isinstance(one, Absent)] == []
    assert all(one.measured for one in verdicts({key: outcomes}, QUICK.growth))


def test_report_of_a_quick_run() -> None:
    """A report names its date, its verdicts and every contender of the scenario."""
    echo = _scenario("echo")
    results = {"echo": interleave(echo.trials(QUICK), seed=1)}
    judged = verdicts(results, QUICK.growth)
    page = render(results, judged, [echo], SETTING)
    assert "2000-01-01" in page
    assert len(judged) == 2
    assert all(len(_rows(page, one.target.figure)) == 1 for one in judged)
    assert len(_rows(page, FLOOR)) == len(_rows(page, OURS)) == 1


def test_a_broken_contender_is_absent_with_its_reason() -> None:
    """A contender that raises is listed with the reason, and the others go on."""

    def broken() -> float:
        raise ModuleNotFoundError("No module named 'gone'", name="gone")

    trials = [Trial("sound", lambda: 1.0, 2), Trial("broken", broken, 2)]
    outcomes = interleave(trials, seed=1)
    assert outcomes == [
        Sample("sound", (1.0, 1.0)),
        Absent("broken", "gone is not installed"),
    ]
    page = render({"echo": outcomes}, [], [_scenario("echo")], SETTING)
    assert "absent: gone is not installed" in page


def test_ratio_is_taken_within_each_sweep() -> None:
    """A load that doubles one sweep for everyone leaves the ratio alone."""
    floor = Sample(FLOOR, (1.0, 2.0, 1.0))
    assert ratio(Sample(OURS, (3.0, 6.0, 3.0)), floor) == 3.0


def test_every_contender_is_named_once() -> None:
    """No two contenders share a name, or one would hide the other."""
    names = [one.name for one in everyone()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("measured", "at_least", "met", "within"),
    [
        (9.0, False, True, True),
        (10.5, False, False, True),
        (12.0, False, False, False),
        (9.5, True, False, True),
        (None, False, False, False),
    ],
)
def test_verdict(
    measured: float | None, at_least: bool, met: bool, within: bool
) -> None:
    """A target is met up to its limit, and tolerated a stated share beyond it."""
    target = Target("echo", "a figure", 10.0, "times", lambda _: measured, at_least)
    verdict = Verdict(target, measured)
    assert (verdict.met, verdict.within(0.1)) == (met, within)


def test_table_escapes_its_cells() -> None:
    """A cell cannot break out of its table."""
    assert table(["a"], [["b|c\nd"]]).splitlines()[-1] == "| b\\|c d |"
