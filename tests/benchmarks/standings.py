"""How long everyone takes, as multiples of what this library takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .contenders import FLOOR
from .measure import Outcome, Sample, ratio

OURSELVES = ("wstest_core", "wstest_django", "wstest_fastapi")


@dataclass(frozen=True, slots=True)
class Standing:
    """A contender's median, in seconds, and how many times ours that is."""

    name: str
    seconds: float
    times: float

    @property
    def ours(self) -> bool:
        return self.name.startswith(OURSELVES)


def standings(outcomes: Sequence[Outcome]) -> list[Standing]:
    """Libraries from the fastest to the slowest; none where ours took no part."""
    samples = [one for one in outcomes if isinstance(one, Sample)]
    ours = next((one for one in samples if one.name in OURSELVES), None)
    if ours is None:
        return []
    libraries = [one for one in samples if one.name != FLOOR]
    rows = [Standing(one.name, one.median, ratio(one, ours)) for one in libraries]
    return sorted(rows, key=lambda row: row.times)
