"""What went over a connection, in order, with times."""

import html
import json
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from wstest_core import settings
from wstest_core.events import FRAME, Accept, Crash, Frame, Terminal

__all__ = ["Entry", "Happening", "Transcript", "forget", "recorded"]

Happening: TypeAlias = Frame | Accept | Terminal
_Direction: TypeAlias = Literal["->", "<-", "--"]

_WIDTH = 72
_recorded: "deque[Transcript]" = deque(maxlen=20)


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `at` is in seconds since the transcript began. `direction` is "->" from
    the client to the application, "<-" back, "--" for a remark.
    """

    __module__ = "wstest_core.transcript"

    at: float
    direction: _Direction
    what: Happening

    def __str__(self) -> str:
        return f"{self.at:8.3f}s {self.direction} {_cut(_words(self.what))}"


@final
class Transcript:
    """What one client sent and was sent, including what no test has read.

    `str()` gives a line for each entry; iterating gives `Entry` values.

    >>> transcript = Transcript("alice")
    >>> transcript.sent(1.5, "hello")
    >>> str(transcript)
    '   0.000s -> hello'
    """

    __module__ = "wstest_core"
    __slots__ = ("_entries", "_failure", "_queues", "name")

    def __init__(self, name: str = "client") -> None:
        self.name: str = name
        # Tuples, because one is made for each frame; `Entry` when looked at.
        self._entries: list[tuple[float, _Direction, Happening]] = []
        self._queues: tuple[Collection[Frame], ...] = ()
        self._failure: tuple[float, str] | None = None
        if settings.current.keep_transcripts:
            _recorded.append(self)

    def sent(self, at: float, what: Happening) -> None:
        """Record what the client sent, at a time of the loop's clock."""
        self._entries.append((at, "->", what))

    def received(self, at: float, what: Happening) -> None:
        """Record what the application sent, at a time of the loop's clock."""
        self._entries.append((at, "<-", what))

    def remark(self, at: float, what: str) -> None:
        """Record something that is not on the wire."""
        self._entries.append((at, "--", what))

    def failed(self, at: float, doing: str) -> None:
        """Note when the test failed, and what the application was doing then."""
        self._failure = self._failure or (at, doing)

    def unread_in(self, queue: Collection[Frame]) -> None:
        """Note a queue where frames wait for the test to read them.

        Frames in one that is noted later come before those in the others.
        """
        self._queues = (queue, *self._queues)

    @property
    def unread(self) -> list[Frame]:
        """The frames that arrived and were not read yet."""
        return [frame for queue in self._queues for frame in queue]

    def frames_since(self, at: float) -> int:
        """How many frames arrived since a time of the loop's clock."""
        arrived = [e for e in self._entries if e[1] == "<-" and isinstance(e[2], FRAME)]
        return sum(each[0] >= at for each in arrived)

    @property
    def began(self) -> float:
        """The time of the first entry by the loop's clock; 0 without any."""
        return self._entries[0][0] if self._entries else 0.0

    @property
    def failure(self) -> tuple[float, str] | None:
        """When the test failed by the loop's clock, and what was going on then.

        That is a sentence on what the application was doing. None if the test
        has not failed while the client was connected.
        """
        return self._failure

    @property
    def error(self) -> BaseException | None:
        """What the application raised, or None."""
        errors = (what.error for _, _, what in self._entries if isinstance(what, Crash))
        return next(errors, None)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return self.last(len(self._entries))

    def __str__(self) -> str:
        return "\n".join(str(entry) for entry in self)

    def last(self, count: int) -> Iterator[Entry]:
        """Yield the last `count` entries."""
        begin = self.began
        start = max(0, len(self._entries) - count)
        for at, direction, what in self._entries[start:]:
            yield Entry(at - begin, direction, what)

    def to_mermaid(self) -> str:
        """Return a Mermaid sequence diagram of the connection."""
        lines = [
            "sequenceDiagram",
            f"    participant C as {_mermaid(self.name)}",
            "    participant A as application",
        ]
        lines += [f"    {_mermaid_line(entry)}" for entry in self]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """Return a page that shows the connection, and needs nothing else."""
        rows = "\n".join(_html_row(entry) for entry in self)
        return _PAGE.format(title=html.escape(self.name), rows=rows)


def recorded() -> list[Transcript]:
    """Return the newest transcripts, in the order they were made.

    Only those made under the setting `keep_transcripts`, at most 20.
    """
    return list(_recorded)


def forget() -> None:
    """Let go of all transcripts that were kept."""
    _recorded.clear()


def crash_in(transcript: Transcript) -> BaseException | None:
    """Return what the application raised, unless it was only cancelled.

    The end of an event loop cancels what was never disconnected, and where
    that was has nothing to tell.
    """
    error = transcript.error
    cancelled = not isinstance(error, Exception) and type(error).__name__ in _CANCELLED
    return None if cancelled else error


# asyncio's and trio's, by name, for neither need be loaded here.
_CANCELLED = frozenset({"CancelledError", "Cancelled"})


def _words(what: Happening) -> str:
    match what:
        case str():
            return what if what else "(an empty text frame)"
        case bytes():
            return f"{len(what)} bytes {what[:_WIDTH]!r}"
        case Accept(subprotocol=subprotocol):
            return f"accepted, subprotocol {subprotocol}" if subprotocol else "accepted"
        case _:
            return f"({what})"


def _cut(text: str) -> str:
    line = text.replace("\n", "\\n")
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."


def _mermaid(text: str) -> str:
    # Mermaid takes entities written with "#" for what has a meaning to it.
    special = {"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", ":": "#58;"}
    return "".join(special.get(character, character) for character in text)


def _mermaid_line(entry: Entry) -> str:
    words = _mermaid(_cut(_words(entry.what)))
    match entry.direction:
        case "->":
            return f"C->>A: {words}"
        case "<-":
            return f"A-->>C: {words}"
        case _:
            return f"Note over C,A: {words}"


def _html_row(entry: Entry) -> str:
    kind = {"->": "sent", "<-": "received", "--": "remark"}[entry.direction]
    arrow = {"->": "&rarr;", "<-": "&larr;", "--": ""}[entry.direction]
    text = html.escape(_pretty(entry.what))
    return (
        f'<tr class="{kind}"><td>{entry.at:.3f} s</td>'
        f"<td>{arrow}</td><td><pre>{text}</pre></td></tr>"
    )


def _pretty(what: Happening) -> str:
    if isinstance(what, str) and what[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(what), indent=2, ensure_ascii=False)
        except ValueError:
            return what
    return _words(what)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem }}
table {{ border-collapse: collapse; width: 100% }}
td {{ border-top: 1px solid #ddd; padding: .25rem .5rem; vertical-align: top }}
td:first-child {{ color: #767676; text-align: right; white-space: nowrap }}
pre {{ margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }}
tr.sent pre {{ color: #1f4e9c }} tr.received pre {{ color: #14602f }}
tr.remark pre {{ color: #8a4b00 }}
</style></head><body><h1>{title}</h1><table>
{rows}
</table></body></html>
"""
