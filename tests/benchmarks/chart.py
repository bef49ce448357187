"""The chart of the page: bars whose lengths are multiples of what we take.

Plain SVG, without a background and in greys that can be read on white and on black.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from .standings import Standing
from .units import duration, times

Panels: TypeAlias = Mapping[str, Sequence[Standing]]

# In pixels. A panel is a title, a row for each contender, and a gap.
WIDTH, COLUMN, NAMES, BARS = 760, 388, 138, 150
TITLE, ROW, THICK, GAP, SCALE = 20, 15, 9, 14, 16
TIMES = "\N{MULTIPLICATION SIGN}"
STYLE = """
text { font: 10px system-ui, sans-serif; fill: #7d7d7d }
.title { font-size: 12px; font-weight: 600 }
.name { text-anchor: end }
.tick { text-anchor: middle; font-size: 9px }
.bar { fill: #8f9bab }
.ours { fill: #2a9d76 }
line { stroke: #7d7d7d; stroke-opacity: 0.2 }
.one { stroke: #2a9d76; stroke-opacity: 1 }
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic scale; both ends are powers of ten, not whole ones."""

    first: float
    last: float

    def x(self, ratio: float) -> float:
        share = (math.log10(ratio) - self.first) / (self.last - self.first)
        return round(NAMES + 6 + BARS * share, 1)

    @property
    def marks(self) -> Mapping[float, str]:
        """Where lines are drawn, and how they are called."""
        powers = range(math.ceil(self.first), math.floor(self.last) + 1)
        return {self.x(10**power): _mark(10**power) for power in powers}


def chart(panels: Panels) -> str:
    """An SVG with a panel for each title, side by side in two columns."""
    axis = _axis([row.times for rows in panels.values() for row in rows])
    tops, parts = [GAP, GAP], []
    for title, rows in panels.items():
        column = tops.index(min(tops))
        parts.append(_panel(title, rows, axis, (column * COLUMN, tops[column])))
        tops[column] += TITLE + ROW * len(rows) + GAP
    used = [column for column, top in enumerate(tops) if top > GAP]
    parts += [_scale(axis, (column * COLUMN, tops[column])) for column in used]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
        f'{max(tops) + SCALE}">\n<style>{STYLE}</style>\n{body}\n</svg>\n'
    )


def _mark(ratio: float) -> str:
    return f"{ratio / 1000:g}k" if ratio >= 1000 else f"{ratio:g}"


def _axis(ratios: Sequence[float]) -> Axis:
    """From the least to the most, and at least from 1 to 10."""
    return Axis(math.log10(min(1, *ratios, 1)), math.log10(max(10, *ratios, 10)))


def _panel(
    title: str, rows: Sequence[Standing], axis: Axis, at: tuple[float, float]
) -> str:
    bottom = TITLE + ROW * len(rows)
    lines = [
        f'<text class="title" x="0" y="11">{escape(title)}</text>',
        *_grid(axis, bottom),
        *(_row(row, axis, TITLE + ROW * number) for number, row in enumerate(rows)),
    ]
    return _placed(lines, at)


def _placed(lines: Iterable[str], at: tuple[float, float]) -> str:
    return f'<g transform="translate({at[0]} {at[1]})">{"".join(lines)}</g>'


def _grid(axis: Axis, bottom: int) -> Iterable[str]:
    for x, mark in axis.marks.items():
        kind = ' class="one"' if mark == "1" else ""
        yield f'<line{kind} x1="{x}" x2="{x}" y1="{TITLE - 3}" y2="{bottom}"/>'


def _row(row: Standing, axis: Axis, top: int) -> str:
    one, end = axis.x(1), axis.x(row.times)
    left, width = min(one, end), max(round(abs(end - one), 1), 1.5)
    kind, base = (" ours" if row.ours else ""), top + THICK
    told = duration(row.seconds)
    if row.times != 1:
        told += f", {times(row.times, TIMES)}"
    return (
        f'<text class="name{kind}" x="{NAMES}" y="{base}">{escape(row.name)}</text>'
        f'<rect class="bar{kind}" x="{left}" y="{top}" width="{width}" '
        f'height="{THICK}"/>'
        f'<text x="{max(one, end) + 5}" y="{base}">{told}</text>\n'
    )


def _scale(axis: Axis, at: tuple[float, float]) -> str:
    marks = axis.marks.items()
    return _placed(
        [f'<text class="tick" x="{x}" y="0">{mark}</text>' for x, mark in marks], at
    )
