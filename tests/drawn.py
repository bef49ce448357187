"""A pytest plugin that draws what the clients of a test have sent and were sent.

It writes the picture of the last test of a run into the file that the environment
variable `DRAWN` names. The documentation shows such pictures: docs/extensions.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from wstest_core._diagram import diagram
from wstest_core._timeline import failed_at, moments
from wstest_core.transcript import recorded

# Of the pages of the documentation; a picture that is wider is made smaller there.
WIDTH = 815


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    transcripts = recorded()
    if call.when == "call" and transcripts:
        found = moments(transcripts)
        failed = failed_at(transcripts, found)
        picture = diagram(transcripts, found, failed, width=WIDTH)
        Path(os.environ["DRAWN"]).write_text(picture, "utf-8")
    return report
