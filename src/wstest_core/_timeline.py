"""What several clients have sent and were sent, on one axis of time."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from wstest_core.events import FRAME, Accept, Close, Crash, Frame, Reject
from wstest_core.transcript import Entry, Transcript

__all__ = [
    "Moment",
    "began",
    "failed_at",
    "kind",
    "label",
    "moments",
    "names",
    "visible",
]

_LONGEST = 2000  # characters of a label


@final
@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of one of several transcripts, on an axis of time for all.

    `at` is in seconds since the first entry of any. `unread` marks a frame
    that no test has read.
    """

    number: int
    at: float
    client: int
    entry: Entry
    unread: bool


def moments(transcripts: Sequence[Transcript]) -> list[Moment]:
    """Return all entries in the order of time; each transcript keeps its own.

    Their times are compared, so they must be of one clock.
    """
    begin = began(transcripts)
    rows = heapq.merge(*(_rows(n, each) for n, each in enumerate(transcripts)))
    unread = [_unread(each) for each in transcripts]
    return [
        Moment(number, at - begin, client, entry, position in unread[client])
        for number, (at, client, position, entry) in enumerate(rows, 1)
    ]


def began(transcripts: Sequence[Transcript]) -> float:
    """Return where the axis begins, by the clock of the loop."""
    return min((each.began for each in transcripts if len(each)), default=0.0)


def failed_at(
    transcripts: Sequence[Transcript], found: Sequence[Moment]
) -> float | None:
    """Return when the test failed, on the axis of its moments; None if unknown.

    A client's block may be left by an error that the test expects, and nobody
    knows. But a test that has failed sends nothing any more.
    """
    begin = began(transcripts)
    sent = max((each.at for each in found if each.entry.direction == "->"), default=0.0)
    noted = [each.failure[0] - begin for each in transcripts if each.failure]
    return min((at for at in noted if at >= sent), default=None)


def names(transcripts: Sequence[Transcript]) -> list[str]:
    """Return a name for each client: its own, with a number if it is not alone."""
    seen = Counter[str]()
    found: list[str] = []
    for transcript in transcripts:
        seen[transcript.name] += 1
        again = seen[transcript.name]
        found.append(f"{transcript.name} ({again})" if again > 1 else transcript.name)
    return found


def kind(entry: Entry) -> str:
    """Return the CSS class of an entry: who sent it, and whether it went wrong."""
    if isinstance(entry.what, Crash | Reject):
        return "wrong"
    if isinstance(entry.what, Close):
        return "remark"
    return {"->": "sent", "<-": "received", "--": "remark"}[entry.direction]


def label(entry: Entry) -> str:
    """Return an entry in one line that can be shown, or the beginning of it."""
    what = entry.what
    text = what[:_LONGEST] if isinstance(what, str) else str(what)
    if isinstance(what, bytes):
        text = f"{len(what)} bytes {what[:_LONGEST]!r}"
    elif isinstance(what, Accept):
        text = "accepted"
        if what.subprotocol:
            text = f"accepted, subprotocol {what.subprotocol}"
    return visible(text or "(an empty text frame)").replace("\n", "⏎")


def visible(text: str) -> str:
    """Return a text with escapes for the characters that no page can hold."""
    return text.translate(_ESCAPED)


def _rows(
    client: int, transcript: Transcript
) -> Iterator[tuple[float, int, int, Entry]]:
    latest = transcript.began
    for position, entry in enumerate(transcript):
        latest = max(latest, transcript.began + entry.at)
        yield latest, client, position, entry


def _unread(transcript: Transcript) -> set[int]:
    """Return the positions of the frames that were not read: the last of each."""
    left = Counter[Frame](transcript.unread)
    found: set[int] = set()
    for position, entry in reversed(list(enumerate(transcript))):
        what = entry.what
        if entry.direction == "<-" and isinstance(what, FRAME) and left[what] > 0:
            left[what] -= 1
            found.add(position)
    return found


# Control characters but for the newline, halves of surrogate pairs, and what is none.
_ESCAPED = {
    **{code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 10},
    **{code: f"\\u{code:04x}" for code in (*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)},
}
