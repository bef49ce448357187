"""A page of HTML for each failing test, with a list of them."""

from collections.abc import Generator
from pathlib import Path
from typing import final

import pytest

from wstest_core import report as pages
from wstest_core import transcript

__all__ = ["Pages", "folder"]

_failures = pytest.StashKey[list[pages.Failure]]()


def folder(name: str) -> Path:
    """Return where pages are to be left, or raise ValueError."""
    path = Path(name).absolute()  # a test may go elsewhere
    if path.exists() and not path.is_dir():
        raise ValueError(f"--wstest-report={name}: that is a file; give a folder")
    return path


@final
class Pages:
    """The plugin that is there where `--wstest-report` is given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Forget the failures of a run that is repeated."""
        item.stash[_failures] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Leave the page of a test that has failed."""
        report = yield
        if report.failed:
            self._leave_page(item, call, report)
        return report

    def _leave_page(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Write the page of a test that has failed, or has done so again."""
        error = call.excinfo.exconly() if call.excinfo else report.longreprtext
        error = error.strip().partition("\n")[0]
        failures = item.stash.setdefault(_failures, [])
        text = _whole_text(item, call, report)
        failures.append(pages.Failure(report.when, error, text))
        captured = [
            each for each in report.sections if not each[0].startswith("wstest:")
        ]
        page = pages.page(item.nodeid, failures, transcript.recorded(), captured)
        file = pages.file_name(item.nodeid)
        try:
            _write(self._folder / file, pages.encoded(page))
        except OSError as why:
            report.sections.append(("wstest: no page", f"It was not written: {why}"))
        else:
            # pytest-xdist brings home what a report has, if it is simple.
            vars(report)["wstest_page"] = [item.nodeid, file, failures[0].error]

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Write the list of the pages, and say where it is."""
        reports = [each for some in terminalreporter.stats.values() for each in some]
        found = [getattr(each, "wstest_page", None) for each in reports]
        listed = {page[1]: page for page in found if page}
        index = self._folder / "index.html"
        if not listed and not index.exists():
            return
        listing = pages.index(pages.Page(*page) for page in listed.values())
        try:
            _write(index, pages.encoded(listing))
        except OSError as why:
            terminalreporter.write_line(f"wstest: no list of pages was written: {why}")
        else:
            terminalreporter.write_line(f"wstest: pages of failing tests: {index}")


def _whole_text(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> str:
    """Return a failure with its traceback, also where the terminal shows none."""
    style = item.config.getoption("tbstyle", "auto")  # with `-p no:terminal` not there
    if call.excinfo is None or style not in ("line", "no"):
        return report.longreprtext
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(item.config.option, "tbstyle", "auto")
        return str(item.repr_failure(call.excinfo))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
