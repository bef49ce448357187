"""Notes on the failure of a test (PEP 678), which runners show beneath it."""

import traceback
from collections.abc import Iterable
from typing import Final
from unittest import SkipTest

from wstest_core import settings
from wstest_core.errors import WebSocketTestError
from wstest_core.transcript import Transcript

__all__ = ["add_later", "show_transcripts"]

_CLIENTS: Final = 10
_ENTRIES: Final = 10  # as many as a failure of a communicator shows


def add_later(first: BaseException, later: BaseException) -> None:
    """Let an error that came later be shown beneath the first."""
    text = "".join(traceback.format_exception(later)).rstrip()
    first.add_note(f"Then, while the test was being cleaned up:\n{text}")


def show_transcripts(error: BaseException, transcripts: Iterable[Transcript]) -> None:
    """Let a failure show what the clients of its test have sent and were sent.

    A communicator's failure shows it itself. Where transcripts are kept,
    somebody is there to show them: the pytest plugin.
    """
    shows_it = isinstance(error, WebSocketTestError | SkipTest)
    if shows_it or settings.current.keep_transcripts:
        return
    found = [each for each in transcripts if len(each)]
    if found:
        clients = "\n".join(map(_client, found[-_CLIENTS:]))
        last = f"Of {len(found)} clients the last {_CLIENTS}:\n"
        error.add_note(f"\n{last if len(found) > _CLIENTS else ''}{clients}")


def _client(transcript: Transcript) -> str:
    count = len(transcript)
    last = f", the last {_ENTRIES} of {count} entries" if count > _ENTRIES else ""
    entries = "\n".join(map(str, transcript.last(_ENTRIES)))
    return f"Transcript of {transcript.name}{last}:\n{entries}"
