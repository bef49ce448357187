"""The pytest plugin: transcripts in reports, defaults for runs and for tests.

It is loaded in every run of an environment that it is installed in. So it
imports nothing heavy, and takes from the rest of the package only what a test
has loaded.
"""

import math
import sys
import traceback
import warnings
from argparse import BooleanOptionalAction
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    contextmanager,
)
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pytest

from wstest_core import settings

if TYPE_CHECKING:
    from wstest_core.report import Failure
    from wstest_core.sync import SyncWebsocketCommunicator
    from wstest_core.transcript import Transcript

__all__ = ["open_around", "trio_virtual_clock"]

_MARKER: Final = "wstest(*, timeout=None, unread=None, virtual_clock=None)"
_KEPT: Final = 20  # as many as wstest_core.transcript keeps
_Ini: TypeAlias = Any  # of the type that the option was declared with
_Check: TypeAlias = Callable[[object], object]
_Section: TypeAlias = tuple[str, str]

_Plain: TypeAlias = "SyncWebsocketCommunicator[object]"

_Around: TypeAlias = AbstractAsyncContextManager[object]
_Test: TypeAlias = Callable[..., Coroutine[object, object, object]]

_around = pytest.StashKey[dict[_Around, str]]()
_of_fixtures = pytest.StashKey[frozenset[object]]()
_overrides = pytest.StashKey[ExitStack]()
_attached = pytest.StashKey[bool]()
_pages = pytest.StashKey[Path]()
_failures: "pytest.StashKey[list[Failure]]" = pytest.StashKey()


@pytest.fixture
def trio_virtual_clock() -> tuple[str, dict[str, object]]:
    """A backend for anyio's plugin: trio, with a clock that can jump.

    On trio the clock is chosen when a run starts. Let your own fixture
    `anyio_backend` return this one, and `virtual_clock()` works.
    """
    try:
        from trio.testing import MockClock
    except ImportError:
        pytest.fail(
            "trio_virtual_clock needs trio: install wstest-core[trio]", pytrace=False
        )
    return "trio", {"clock": MockClock()}


# --- options of a run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each to the command line and to the ini file."""
    group = parser.getgroup("wstest", "WebSocket tests (wstest-core)")
    timeout = "seconds after which a communicator's wait gives up (default: 1)"
    unread = "what to do about unread frames: warn (default), error or ignore"
    clock = "let time jump over waits while a communicator is connected"
    group.addoption("--wstest-timeout", metavar="SECONDS", help=timeout)
    group.addoption("--wstest-unread", metavar="POLICY", help=unread)
    pages = "leave a page of HTML for each failing test in this folder, with a list"
    group.addoption("--wstest-report", metavar="DIR", help=pages)
    group.addoption(
        "--wstest-virtual-clock",
        action=BooleanOptionalAction,
        default=None,
        help=clock,
    )
    # So that pytest's own TOML takes a number, from the first version that can.
    number: Literal["float", "string"] = "string"
    if pytest.version_tuple >= (8, 4):
        number = "float"
    parser.addini("wstest_timeout", timeout, type=number, default=None)
    parser.addini("wstest_unread", unread, type="string", default=None)
    parser.addini("wstest_virtual_clock", clock, type="bool", default=None)
    parser.addini(
        "wstest_harmless_threads",
        "names (patterns) of threads that never talk to the application's event loop",
        type="linelist",
        default=(),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and set the defaults of the run."""
    description = "defaults for the communicators of a test; the closest mark wins."
    config.addinivalue_line("markers", f"{_MARKER}: {description}")
    try:
        changes = dict(_of_the_run(config))
        threads = tuple(_ini(config, "wstest_harmless_threads"))
        if folder := config.getoption("wstest_report"):
            config.stash[_pages] = _folder(folder)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    run = ExitStack()
    run.enter_context(
        settings.override(
            keep_transcripts=True,
            harmless_threads=settings.current.harmless_threads + threads,
            **changes,
        )
    )
    config.add_cleanup(run.close)


def _folder(name: str) -> Path:
    folder = Path(name).absolute()  # a test may go elsewhere
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--wstest-report={name}: that is a file; give a folder")
    return folder


def _of_the_run(config: pytest.Config) -> Iterator[tuple[str, object]]:
    for name in _CHECKS:
        option, ini = config.getoption(f"wstest_{name}"), f"wstest_{name}"
        if option is not None:
            yield name, _checked(name, option, f"--{ini.replace('_', '-')}")
        elif (value := _ini(config, ini)) not in (None, "", []):
            yield name, _checked(name, value, ini)


def _ini(config: pytest.Config, name: str) -> _Ini:
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise ValueError(f"{name}: {error}") from None


def _checked(name: str, value: object, where: str) -> object:
    """Return a setting's value, or raise ValueError with what is possible."""
    check, possible = _CHECKS[name]
    try:
        return check(value)
    except (TypeError, ValueError):
        raise ValueError(f"{where}={value!r}: give {possible}") from None


def _timeout(value: object) -> float:
    seconds = float(value) if isinstance(value, str | int | float) else math.nan
    if isinstance(value, bool) or not seconds >= 0:
        raise ValueError
    return seconds


def _unread(value: object) -> object:
    if value not in ("warn", "error", "ignore"):
        raise ValueError
    return value


def _virtual_clock(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_CHECKS: Mapping[str, tuple[_Check, str]] = {
    "timeout": (_timeout, "seconds, 0 or more"),
    "unread": (_unread, "'warn', 'error' or 'ignore'"),
    "virtual_clock": (_virtual_clock, "true or false"),
}


# --- one test


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the transcripts of this test, and its settings, to itself."""
    _forget_transcripts()
    with ExitStack() as overrides:
        item.stash[_overrides] = overrides
        try:
            return (yield)
        finally:
            _forget_transcripts()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Set what the marks of this test say."""
    item.stash[_attached] = False
    item.stash[_failures] = []
    try:
        changes = _of_the_marks(item)
    except ValueError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    item.stash[_overrides].enter_context(settings.override(**changes))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note which communicators are not this test's own; open what is wanted."""
    item.stash[_of_fixtures] = _connected()
    with _opened_around(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Disconnect what a plain test left connected, or its loop would go on."""
    try:
        return (yield)
    finally:
        if _of_fixtures in item.stash:
            others: frozenset[object] = item.stash[_of_fixtures]
            for forgotten in _connected() - others:
                _disconnect(forgotten, quietly=item.stash[_attached])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the transcripts to the first report of a failure; leave a page."""
    report = yield
    if report.failed and _pages in item.config.stash:
        _leave_page(item, call, report)
    if report.failed and not item.stash.get(_attached, True):
        shown = set(_chain(call.excinfo.value)) if call.excinfo else set[int]()
        sections = [_section(each, shown) for each in _transcripts()]
        report.sections += _with_a_hint(sections)
        item.stash[_attached] = bool(sections)
    return report


def _of_the_marks(item: pytest.Item) -> dict[str, object]:
    changes: dict[str, object] = {}
    for mark in item.iter_markers("wstest"):  # the closest first
        if mark.args:
            raise ValueError(f"the mark {_MARKER} takes no positional arguments")
        if unknown := ", ".join(sorted(mark.kwargs.keys() - _CHECKS.keys())):
            raise ValueError(f"the mark {_MARKER} has no argument {unknown}")
        for name, value in mark.kwargs.items():
            if value is not None:
                changes.setdefault(name, _checked(name, value, f"wstest: {name}"))
    return changes


def _connected() -> "frozenset[_Plain]":
    module = sys.modules.get("wstest_core.sync")
    return frozenset() if module is None else module.connected()


def _disconnect(forgotten: "_Plain", *, quietly: bool) -> None:
    try:
        forgotten.disconnect()
    except AssertionError:
        if not quietly:
            raise
    if not quietly:
        name = forgotten.transcript.name
        text = f"{name} was never disconnected: use `with`, or disconnect()"
        warnings.warn(text, ResourceWarning, stacklevel=2)


def open_around(item: pytest.Item, context: _Around, *, plain: str) -> None:
    """Let an async test run within `async with context`, in its own coroutine.

    For fixtures, which must be plain functions: an async fixture may be left
    in another task than it was entered in. `plain` names the fixture for tests
    that are no coroutine functions; they fail, and are told so.
    """
    item.stash.setdefault(_around, {})[context] = plain


@contextmanager
def _opened_around(item: pytest.Item) -> Generator[None]:
    """Put a coroutine that opens what fixtures want in the place of a test."""
    contexts = item.stash.get(_around, None)
    if not contexts or not isinstance(item, pytest.Function):
        yield
        return
    test: _Test = item.obj
    if not iscoroutinefunction(test):
        text = f"{item.name} is no coroutine function"
        others = ", ".join(contexts.values())
        pytest.fail(f"{text}: use {others}, or make it `async def`", pytrace=False)
    item.obj = _within(list(contexts), test)
    try:
        yield
    finally:
        item.obj = test


def _within(contexts: list[_Around], test: _Test) -> _Test:
    @wraps(test)
    async def run(*args: object, **kwargs: object) -> object:
        async with AsyncExitStack() as stack:
            for context in contexts:
                await stack.enter_async_context(context)
            return await test(*args, **kwargs)

    return run


# --- transcripts


def _transcripts() -> "list[Transcript]":
    module = sys.modules.get("wstest_core.transcript")
    return [] if module is None else module.recorded()


def _forget_transcripts() -> None:
    module = sys.modules.get("wstest_core.transcript")
    if module is not None:
        module.forget()


def _section(transcript: "Transcript", shown: set[int]) -> _Section:
    parts = [str(transcript) or "Nothing was sent or received."]
    if unread := transcript.unread:
        frames = "1 frame" if len(unread) == 1 else f"{len(unread)} frames"
        lines = "\n".join(f"    {frame!r}"[:72] for frame in unread)
        parts.append(f"The test has not read {frames}:\n{lines}")
    error = transcript.error
    if error is not None and id(error) not in shown:
        text = "".join(traceback.format_exception(error)).rstrip()
        parts.append(f"The application raised:\n{text}")
    text = "\n\n".join(parts)
    # Half a surrogate pair in a frame could not be sent home by a worker.
    text = text.encode("utf-8", "backslashreplace").decode()
    return f"wstest: transcript of {transcript.name}", text


def _with_a_hint(sections: list[_Section]) -> list[_Section]:
    if len(sections) < _KEPT:
        return sections
    (title, text), *others = sections
    hint = f"Only the last {_KEPT} transcripts are kept."
    return [(title, f"{hint}\n\n{text}"), *others]


def _chain(error: BaseException | None) -> Iterator[int]:
    """Yield the ids of all exceptions that pytest shows with this one."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield id(error)
        error = error.__cause__ or error.__context__


# --- pages


def _leave_page(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> None:
    """Write the page of a test that has failed, or has done so again."""
    from wstest_core import report as pages

    error = call.excinfo.exconly() if call.excinfo else report.longreprtext
    error = error.strip().partition("\n")[0]
    failures = item.stash.setdefault(_failures, [])
    text = _whole_text(item, call, report)
    failures.append(pages.Failure(report.when, error, text))
    captured = [each for each in report.sections if not each[0].startswith("wstest:")]
    page = pages.page(item.nodeid, failures, _transcripts(), captured)
    file = pages.file_name(item.nodeid)
    try:
        _write(item.config.stash[_pages] / file, pages.encoded(page))
    except OSError as why:
        report.sections.append(("wstest: no page", f"It was not written: {why}"))
    else:
        # pytest-xdist brings home what a report has, if it is simple.
        vars(report)["wstest_page"] = [item.nodeid, file, failures[0].error]


def _whole_text(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> str:
    """Return a failure with its traceback, also where the terminal shows none."""
    option = item.config.option
    if call.excinfo is None or option.tbstyle not in ("line", "no"):
        return report.longreprtext
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(option, "tbstyle", "auto")
        return str(item.repr_failure(call.excinfo))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write the list of the pages, and say where it is."""
    if _pages not in config.stash:
        return
    reports = [each for some in terminalreporter.stats.values() for each in some]
    found = [getattr(each, "wstest_page", None) for each in reports]
    listed = {page[1]: page for page in found if page}
    index = config.stash[_pages] / "index.html"
    if not listed and not index.exists():
        return
    from wstest_core import report as pages

    listing = pages.index(pages.Page(*page) for page in listed.values())
    try:
        _write(index, pages.encoded(listing))
    except OSError as why:
        terminalreporter.write_line(f"wstest: no list of pages was written: {why}")
    else:
        terminalreporter.write_line(f"wstest: pages of failing tests: {index}")


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
