"""Draws what several clients have sent and were sent as a sequence diagram.

The application stands in the middle, its clients on both sides, and time goes
down. The picture is one `<svg>` element that needs nothing but the colours of
the page that it stands in.
"""

from collections.abc import Sequence
from html import escape
from typing import final
from unicodedata import east_asian_width

from wstest_core._timeline import Moment, kind, label, names, visible
from wstest_core.transcript import Transcript

__all__ = ["diagram"]

_PAUSE = 0.1  # seconds without anything that are shown
_HEAD, _ROW, _BOX = 56, 28, 150  # heights and the width of a name, in pixels
_MARGIN, _FAR = 100, 165  # of times; between two clients
_NEAR, _WIDE = 260, 640  # from the application to the clients beside it
_CHARACTER = 7.3  # width of one, in pixels


def diagram(
    transcripts: Sequence[Transcript],
    shown: Sequence[Moment],
    failed: float | None,
    *,
    width: int = 1200,
) -> str:
    """Return the picture of these moments; `failed` is when the test did.

    It is as wide as `width`, in pixels, or wider if the clients need the room.
    Each moment leads to the element of the page that is called `m` and its number.
    """
    drawing = _Drawing(_Lanes(names(transcripts), width))
    marks: list[tuple[float, Moment | None]]
    marks = [(moment.at, moment) for moment in shown]
    if failed is not None:
        # Before what came of it at the same time.
        marks.insert(sum(each.at < failed for each in shown), (failed, None))
    before = marks[0][0] if marks else 0.0
    for at, moment in marks:
        if at - before >= _PAUSE:
            drawing.pause(at - before)
        before = at
        if moment is None:
            drawing.failure(at)
        else:
            drawing.moment(moment)
    return drawing.picture()


@final
class _Lanes:
    """Where everybody stands, in pixels from the left."""

    def __init__(self, clients: Sequence[str], width: int) -> None:
        self.clients = clients
        right = len(clients) // 2
        left = len(clients) - right
        crowd = _FAR * (max(0, left - 1) + max(0, right - 1))
        room = width - _MARGIN - _BOX - crowd
        near = min(_WIDE, max(_NEAR, room / (2 if right else 1)))
        first = _MARGIN + _BOX / 2
        self.of = [first + n * _FAR for n in range(left)]
        self.application = self.of[-1] + near
        self.of += [self.application + near + n * _FAR for n in range(right)]
        self.width = max(*self.of, self.application) + _BOX / 2 + 1


@final
class _Drawing:
    """A picture that grows downwards."""

    def __init__(self, lanes: _Lanes) -> None:
        self._lanes = lanes
        self._parts: list[str] = []
        self._y = float(_HEAD)
        self._clock = ""  # what it showed last
        self._reach: dict[int, tuple[float, float]] = {}  # of the lifelines

    def moment(self, moment: Moment) -> None:
        y = self._next()
        first, _ = self._reach.setdefault(moment.client, (y, y))
        self._reach[moment.client] = first, y
        full = label(moment.entry)
        clock = self._time(moment.at, y)
        drawn = self._note if moment.entry.direction == "--" else self._arrow
        classes = f"{kind(moment.entry)}{' unread' if moment.unread else ''}"
        self._parts.append(
            f'<a href="#m{moment.number}" class="{classes}">'
            f"<title>{escape(full)}</title>{clock}{drawn(moment, y, full)}</a>"
        )

    def pause(self, seconds: float) -> None:
        y = self._next()
        words = _text(_MARGIN - 14, y + 4, f"+ {seconds:,.3f} s", "later", "end")
        ends = f'x1="{_MARGIN}" x2="{self._lanes.width:.0f}"'
        self._parts.append(
            f'{words}<line class="pause" {ends} y1="{y:.0f}" y2="{y:.0f}"/>'
        )

    def failure(self, at: float) -> None:
        y = self._next()
        clock = self._time(at, y)
        ends = f'x1="{_MARGIN}" x2="{self._lanes.width:.0f}"'
        line = f'<line class="line" {ends} y1="{y:.0f}" y2="{y:.0f}"/>'
        words = _text(_MARGIN + 4, y - 5, "the test fails", "label", "start")
        self._parts.append(f'<g class="failure">{clock}{line}{words}</g>')

    def picture(self) -> str:
        lanes, below = self._lanes, self._y + _ROW
        lifelines = [_lifeline(lanes.application, _HEAD - 14, below, "idle")]
        for number, x in enumerate(lanes.of):
            lifelines.append(_lifeline(x, _HEAD - 14, below, "idle"))
            if number in self._reach:
                lifelines.append(_lifeline(x, *self._reach[number], "alive"))
        heads = [_head(lanes.application, "the application", "application")]
        named = zip(lanes.of, lanes.clients, strict=True)
        heads += [_head(x, name, "client") for x, name in named]
        size = f"{lanes.width:.0f} {below:.0f}"
        return (
            f'<svg viewBox="0 0 {size}" width="{lanes.width:.0f}" role="img" '
            f'aria-label="sequence diagram">{_MARKERS}'
            f"{''.join([*lifelines, *heads, *self._parts])}</svg>"
        )

    def _time(self, at: float, y: float) -> str:
        """Return the time, if it is not the one that stands above already."""
        before, self._clock = self._clock, f"{at:.3f} s"
        if before == self._clock:
            return ""
        return _text(_MARGIN - 14, y + 4, self._clock, "time", "end")

    def _next(self) -> float:
        self._y += _ROW
        return self._y

    def _arrow(self, moment: Moment, y: float, full: str) -> str:
        ends = [self._lanes.of[moment.client], self._lanes.application]
        left, right = sorted(ends)
        begin, end = ends if moment.entry.direction == "->" else reversed(ends)
        gap = 4 if end > begin else -4
        dot = f'<circle cx="{begin:.0f}" cy="{y:.0f}" r="3"/>'
        line = (
            f'<line class="line" x1="{begin:.0f}" y1="{y:.0f}" '
            f'x2="{end - gap:.0f}" y2="{y:.0f}"/>'
        )
        note = " (unread)" if moment.unread else ""
        words = _fitting(full, right - left - 24 - len(note) * _CHARACTER) + note
        return dot + line + _text((left + right) / 2, y - 5, words, "label", "middle")

    def _note(self, moment: Moment, y: float, full: str) -> str:
        x = self._lanes.of[moment.client]
        words = _fitting(full, abs(x - self._lanes.application) - 40)
        width = _columns(words) * _CHARACTER + 16
        inwards = x < self._lanes.application
        left = x - 8 if inwards else x + 8 - width
        return (
            f'<rect x="{left:.0f}" y="{y - 11:.0f}" width="{width:.0f}" height="20" '
            f'rx="3"/>{_text(left + 8, y + 4, words, "words", "start")}'
        )


def _fitting(text: str, width: float) -> str:
    room = max(4, int(width / _CHARACTER))
    if _columns(text[: room + 1]) <= room:
        return text
    text = text[: room - 1]
    while _columns(text) >= room:
        text = text[:-1]
    return f"{text}…"


def _columns(text: str) -> int:
    """Return how wide a text is, in narrow characters."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def _text(x: float, y: float, words: str, kind: str, anchor: str) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _lifeline(x: float, top: float, bottom: float, kind: str) -> str:
    return (
        f'<line class="lifeline {kind}" x1="{x:.0f}" y1="{top:.0f}" '
        f'x2="{x:.0f}" y2="{bottom:.0f}"/>'
    )


def _head(x: float, name: str, kind: str) -> str:
    name = visible(name)
    words = _text(x, 30, _fitting(name, _BOX - 12), "name", "middle")
    box = f'<rect x="{x - _BOX / 2:.0f}" y="10" width="{_BOX}" height="32" rx="5"/>'
    return f'<g class="head {kind}"><title>{escape(name)}</title>{box}{words}</g>'


_MARKERS = "<defs>{}</defs>".format(
    "".join(
        f'<marker id="{kind}-end" class="{kind}" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker>'
        for kind in ("sent", "received", "wrong", "remark")
    )
)
