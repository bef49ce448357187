"""What one scenario is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .contenders import FLOOR
from .measure import Trial
from .trials import Effort

ANY = "Any ASGI application"
FIRST = "Before the first test"
DJANGO = "Django"
FASTAPI = "FastAPI and fast-channels"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A title, what is done, who does it how often.

    `reference` names the trial all others are set against: as multiples of it,
    or as differences from it where `by_difference` is set. What has a `brief`, its
    title in few words, is charted.
    """

    key: str
    title: str
    about: str
    trials: Callable[[Effort], list[Trial]]
    reference: str | None = FLOOR
    by_difference: bool = False
    brief: str = ""
    part: str = ANY
