"""Builds a page of HTML for each test that has failed, and a list of them.

A page shows what all clients of the test have sent and were sent, on one axis
of time, what became of the application, and the error. It is one file that
needs neither a network nor a script. Nothing here writes files or knows a test
runner: the pytest plugin does, for its option `--wstest-report`.
"""

import json
import re
import traceback
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from math import inf
from typing import Literal, final

from wstest_core._diagram import diagram
from wstest_core._style import STYLE
from wstest_core._timeline import (
    Moment,
    began,
    failed_at,
    kind,
    label,
    moments,
    names,
    visible,
)
from wstest_core._version import DOCUMENTATION
from wstest_core.events import Accept, Crash, Terminal
from wstest_core.transcript import Transcript, crash_in

__all__ = ["Failure", "Page", "encoded", "file_name", "index", "of_interest", "page"]

_SHOWN = 400  # entries on a page, the last ones
_LONGEST = 20_000  # characters of one frame
_NAME = 80  # characters of a file name, before what makes it unique
_LIFESPAN = frozenset(("startup", "shutdown"))
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ADDRESS = re.compile(re.escape(DOCUMENTATION) + r"[A-Za-z/.#-]+")


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of a test; there may be another when it is torn down.

    `error` is one line, `text` the whole of it, with the traceback.
    """

    when: Literal["setup", "call", "teardown"]
    error: str
    text: str


@final
@dataclass(frozen=True, slots=True)
class Page:
    """A page that was written: of which test, in which file, and why."""

    test: str
    file: str
    error: str


def file_name(test: str) -> str:
    """Return the name of a test's page: safe on any system, and its own.

    The same test always has the same; two tests never do, as good as.
    """
    words = re.sub(r"[^A-Za-z0-9]+", "-", test)[-_NAME:].strip("-")
    number = zlib.crc32(test.encode("utf-8", "surrogatepass"))
    return f"{words or 'test'}-{number:08x}.html"


def of_interest(transcripts: Iterable[Transcript]) -> list[Transcript]:
    """Leave out the log of a client for HTTP that was asked for nothing.

    Such a client has only run the application's lifespan, for its sockets.
    """
    return [each for each in transcripts if not _is_of_a_lifespan(each)]


def encoded(html: str) -> bytes:
    """Return a page as it goes into its file."""
    return html.encode("utf-8", "xmlcharrefreplace")


def page(
    test: str,
    failures: Sequence[Failure],
    transcripts: Sequence[Transcript],
    captured: Iterable[tuple[str, str]] = (),
) -> str:
    """Return the page of a failed test.

    `captured` are titles and texts of what was printed and logged.
    """
    transcripts = of_interest(transcripts)
    found = moments(transcripts)
    failed = failed_at(transcripts, found)
    parts = [
        _title(test, failures),
        _picture(transcripts, found, failed),
        _clients(transcripts, failed),
        *(_error(failure) for failure in failures),
        _entries(names(transcripts), found[-_SHOWN:]),
        *(_details(title, text) for title, text in captured if text.strip()),
    ]
    return _document(test, "".join(parts))


def index(pages: Iterable[Page]) -> str:
    """Return the list of the pages of a run."""
    rows = [
        f'<tr><td><a href="{escape(each.file)}">{_text(each.test)}</a></td>'
        f"<td><pre>{_text(each.error)}</pre></td></tr>"
        for each in pages
    ]
    title = f"{len(rows)} tests have failed"
    if len(rows) < 2:
        title = "1 test has failed" if rows else "No test has failed"
    return _document(title, f"<h1>{title}</h1><table>{''.join(rows)}</table>")


def _is_of_a_lifespan(transcript: Transcript) -> bool:
    runs = {entry.what for entry in transcript if entry.direction == "->"}
    return transcript.name == "http" and bool(runs) and runs <= _LIFESPAN


# --- parts of a page


def _title(test: str, failures: Sequence[Failure]) -> str:
    name, bracket, parameters = test.partition("[")
    *folders, name = name.split("::")
    lines = "".join(
        f"<p class='error'><b>{_WHEN[each.when]}:</b> {_text(each.error)}</p>"
        for each in failures
    )
    return (
        f"<p class='where'>{_text(' :: '.join(folders))}</p>"
        f"<h1>{_text(name + bracket + parameters)}</h1>{lines}"
    )


def _picture(
    transcripts: Sequence[Transcript], found: Sequence[Moment], failed: float | None
) -> str:
    title = "What went over the connections"
    if not transcripts:
        return _section(title, "<p>No client of wstest was used.</p>")
    if not found:
        return _section(title, "<p>Nothing was sent or received.</p>")
    drawn = diagram(transcripts, found[-_SHOWN:], failed)
    picture = f"<div class='picture'>{drawn}</div>"
    if len(found) > _SHOWN:
        picture = f"<p>The last {_SHOWN} of {len(found)} entries.</p>{picture}"
    return _section(title, picture)


def _clients(transcripts: Sequence[Transcript], failed: float | None) -> str:
    if not transcripts:
        return ""
    since = inf if failed is None else began(transcripts) + failed
    rows = "".join(
        f"<tr><th>{_text(name)}</th><td>{_state(transcript, since)}</td></tr>"
        for name, transcript in zip(names(transcripts), transcripts, strict=True)
    )
    return _section("The application, for each client", f"<table>{rows}</table>")


def _state(transcript: Transcript, since: float) -> str:
    lines: list[str] = []
    if transcript.failure is not None and transcript.failure[0] >= since:
        lines.append(f"When the test failed: {transcript.failure[1]}")
    lines.append(_ending(transcript))
    count = len(transcript.unread)
    if count:
        frames = "1 frame" if count == 1 else f"{count} frames"
        lines.append(f"The test has not read {frames}.")
    html = "".join(f"<p>{_text(line)}</p>" for line in lines)
    if (error := crash_in(transcript)) is not None:
        text = "".join(traceback.format_exception(error))
        html += _details("What it raised", text)
    return html


def _ending(transcript: Transcript) -> str:
    """Say how a connection has ended, as far as its transcript tells."""
    happened = [entry.what for entry in transcript]
    ends = [what for what in happened if isinstance(what, Terminal)]
    crashes = [end for end in ends if isinstance(end, Crash)]
    if ends:
        return f"In the end: {(crashes or ends)[-1]}."
    if not happened:
        return "It was never connected."
    if any(isinstance(what, Accept) for what in happened):
        return "The connection was open when this page was written."
    return "The connection was neither accepted nor refused."


def _error(failure: Failure) -> str:
    title = f"The error {_WHEN[failure.when].lower()}"
    return _section(title, f"<pre class='error'>{_linked(failure.text)}</pre>")


def _entries(clients: Sequence[str], shown: Sequence[Moment]) -> str:
    if not shown:
        return ""
    rows = "".join(
        f"<tr id='m{each.number}' class='{kind(each.entry)}'>"
        f"<td>{each.at:.3f} s</td><td>{_text(clients[each.client])}</td>"
        f"<td>{_ARROWS[each.entry.direction]}</td>"
        f"<td><pre>{_text(_pretty(each))}</pre>{'unread' if each.unread else ''}</td>"
        "</tr>"
        for each in shown
    )
    return _section("Every entry", f"<table class='entries'>{rows}</table>")


def _section(title: str, html: str) -> str:
    return f"<h2>{_text(title)}</h2>{html}"


def _details(title: str, text: str) -> str:
    return (
        f"<details><summary>{_text(title)}</summary>"
        f"<pre>{_linked(text)}</pre></details>"
    )


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _pretty(moment: Moment) -> str:
    """Return an entry in full, JSON laid out to be read."""
    what = moment.entry.what
    text = what if isinstance(what, str) and what else label(moment.entry)
    if text[:1] in ("{", "[") and len(text) <= _LONGEST:
        with suppress(ValueError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    left_out = len(text) - _LONGEST
    return text if left_out <= 0 else f"{text[:_LONGEST]}… ({left_out} characters more)"


def _linked(text: str) -> str:
    """Return a text in which the addresses of the documentation are links."""
    return _ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', _text(text))


def _text(text: str) -> str:
    return escape(visible(_ANSI.sub("", text).replace("\t", "    ")))


_WHEN = {
    "setup": "Before the test",
    "call": "In the test",
    "teardown": "After the test",
}
_ARROWS = {"->": "→", "<-": "←", "--": ""}
