"""The benchmark itself: that it runs, reports every contender, and judges."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.services import require

from . import django_trials
from .__main__ import main
from .chart import chart
from .contenders import FLOOR, OURS, Contender, everyone
from .measure import Absent, Outcome, Sample, Trial, interleave, ratio
from .report import Setting, charted, render, table
from .scenario import Scenario
from .scenarios import scenarios
from .standings import Standing, standings
from .targets import Target, Verdict, verdicts
from .trials import QUICK

SETTING = Setting("2000-01-01", seed=1, quick=True, tolerance=0.1)


def _pair() -> list[Contender]:
    pair = [one for one in everyone() if one.name in (FLOOR, OURS)]
    return [one for one in pair if isinstance(one, Contender)]


def _scenario(key: str) -> Scenario:
    return next(one for one in scenarios(_pair()) if one.key == key)


def _taken(outcome: Outcome) -> Sample:
    """The sample that was taken; skips where the machine lacks what it needs."""
    if isinstance(outcome, Absent):
        require("is not installed" not in outcome.reason, outcome.reason)
        pytest.fail(f"{outcome.name}: {outcome.reason}")
    return outcome


def _bars(picture: str) -> int:
    svg = ElementTree.fromstring(picture)
    return sum(each.get("class", "").startswith("bar") for each in svg.iter())


def _words(picture: str) -> list[str]:
    return [str(each.text) for each in ElementTree.fromstring(picture).iter()]


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
    assert _taken(outcome).median > 0


def test_peers_take_part_in_django() -> None:
    """So do those of Channels and chanx, and the figures are judged."""
    key = "django-suite-file"
    outcomes = interleave(_scenario(key).trials(QUICK), seed=1)
    assert [one for one in outcomes if isinstance(one, Absent)] == []
    assert all(one.measured for one in verdicts({key: outcomes}, QUICK.growth))


def test_the_tutorial_on_both_test_cases() -> None:
    """All its tests pass on either, and what the tasks slept is told apart."""
    outcomes = interleave(_scenario("django-tutorial").trials(QUICK), seed=1)
    for sample in map(_taken, outcomes):
        slept = re.search(r"the tasks slept (\S+) s", sample.note)
        assert slept is not None
        assert 0 < float(slept[1]) < sample.median


def test_the_layers_take_part() -> None:
    """A broadcast is measured over fast-channels' own layer and the fresh one."""
    outcomes = interleave(_scenario("fastapi-crowd").trials(QUICK), seed=1)
    assert all(_taken(one).median > 0 for one in outcomes)


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


def test_a_run_leaves_a_page_and_its_chart(tmp_path: Path) -> None:
    """The page shows a picture beside it, with a bar for each contender."""
    path = tmp_path / "performance.md"
    main(["--quick", "--only", "fastapi-suite", "--out", str(path)])
    page = path.read_text("utf-8")
    (name,) = re.findall(r"!\[.+\]\((.+)\)", page)
    picture = (tmp_path / name).read_text("utf-8")
    contenders = {trial.name for trial in _scenario("fastapi-suite").trials(QUICK)}
    taken = {one for one in contenders if f"| {one} | absent:" not in page}
    assert _bars(picture) == len(taken)
    assert "wstest_fastapi" in taken <= set(_words(picture))


def test_a_page_that_goes_nowhere_shows_no_chart() -> None:
    """Nothing is referred to that was not written."""
    assert "![" not in render({}, [], [], SETTING)


def test_standings() -> None:
    """Libraries stand from the fastest on, as multiples of ours, without the floor."""
    outcomes = [
        Sample(FLOOR, (1.0,)),
        Sample("slow", (30.0,)),
        Sample(OURS, (3.0,)),
        Absent("gone", "it is not installed"),
        Sample("fast", (1.5,)),
    ]
    assert standings(outcomes) == [
        Standing("fast", 1.5, 0.5),
        Standing(OURS, 3.0, 1.0),
        Standing("slow", 30.0, 10.0),
    ]
    assert standings([Sample("slow", (30.0,))]) == []


def test_chart_has_a_bar_for_each_library_in_each_panel() -> None:
    """Only what has a title in few words has a panel; who is faster has a bar too."""
    echo = _scenario("echo")
    outcomes = [Sample(OURS, (3.0,)), Sample("<fast>", (0.1,)), Sample(FLOOR, (1.0,))]
    results = {"echo": outcomes, "burst": outcomes}
    picture = chart(charted(results, [echo, _scenario("burst")]))
    assert _bars(picture) == 2
    assert {echo.brief, OURS, "<fast>"} <= set(_words(picture))
    assert FLOOR not in _words(picture)


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
