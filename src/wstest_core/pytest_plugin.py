"""The pytest plugin: transcripts in reports, defaults for runs and for tests.

It is loaded in every run of an environment that it is installed in. So it
imports nothing heavy, and takes from the rest of the package only what a test
has loaded.
"""

import re
import sys
import traceback
import warnings
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    contextmanager,
)
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from wstest_core import _pytest_options, settings

if TYPE_CHECKING:
    from wstest_core.loop import Loop
    from wstest_core.sync import SyncWebsocketCommunicator
    from wstest_core.transcript import Transcript

__all__ = ["hidden", "open_around", "trio_virtual_clock"]

_KEPT: Final = 20  # as many as wstest_core.transcript keeps
# What pytest says of a coroutine that nobody runs: of a test, of a fixture.
_NOT_RUN: Final = re.compile("async def functions are not nat|an async fixture .* no p")
_Section: TypeAlias = tuple[str, str]
_Plain: TypeAlias = "SyncWebsocketCommunicator[object] | Loop"
_Around: TypeAlias = AbstractAsyncContextManager[object]
_Test: TypeAlias = Callable[..., Coroutine[object, object, object]]

_around = pytest.StashKey[dict[_Around, str]]()
_of_fixtures = pytest.StashKey[frozenset[object]]()
_overrides = pytest.StashKey[ExitStack]()
_attached = pytest.StashKey[bool]()


def hidden(shown: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether a traceback leaves out the lines of plugins.

    It does, but for a failure that shows no lines at all.
    """
    return getattr(shown.value, "pytrace", True) is not False


__tracebackhide__ = hidden


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


# --- a run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each to the command line and to the ini file."""
    _pytest_options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and set the defaults of the run."""
    description = "defaults for the communicators of a test; the closest mark wins."
    config.addinivalue_line("markers", f"{_pytest_options.MARKER}: {description}")
    try:
        changes = _pytest_options.of_the_run(config)
        if folder := config.getoption("wstest_report"):
            _leave_pages(config, folder)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    run = ExitStack()
    run.enter_context(settings.override(keep_transcripts=True, **changes))
    config.add_cleanup(run.close)


def _leave_pages(config: pytest.Config, folder: str) -> None:
    from wstest_core import _pytest_pages

    plugin = _pytest_pages.Pages(_pytest_pages.folder(folder))
    config.pluginmanager.register(plugin, "wstest-report")


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
    try:
        changes = _pytest_options.of_the_marks(item)
    except ValueError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    item.stash[_overrides].enter_context(settings.override(**changes))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note which communicators are not this test's own; open what is wanted."""
    item.stash[_of_fixtures] = _connected()
    with _opened_around(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: "pytest.FixtureDef[object]", request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Say how a fixture is run that wants a client, where no plugin runs it."""
    try:
        return (yield)
    except pytest.fail.Exception as failure:
        what = f"the fixture {fixturedef.argname}"
        if (text := _not_run(failure, request.node, what)) is None:
            raise
    pytest.fail(text, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Say how a test is run that wants a client, where no plugin runs it."""
    try:
        return (yield)
    except pytest.fail.Exception as failure:
        if (text := _not_run(failure, pyfuncitem, pyfuncitem.name)) is None:
            raise
    pytest.fail(text, pytrace=False)


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
    """Attach the transcripts to the first report of a failure."""
    report = yield
    if report.failed and not item.stash.get(_attached, True):
        shown = set(_chain(call.excinfo.value)) if call.excinfo else set[int]()
        sections = [_section(each, shown) for each in _transcripts()]
        report.sections += _with_a_hint(sections)
        item.stash[_attached] = bool(sections)
    return report


def _connected() -> "frozenset[_Plain]":
    found: frozenset[_Plain] = frozenset()
    if (sockets := sys.modules.get("wstest_core.sync")) is not None:
        found |= sockets.connected()
    if (loops := sys.modules.get("wstest_core.loop")) is not None:
        found |= loops.running()
    return found


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


def _not_run(failure: BaseException, item: pytest.Item, what: str) -> str | None:
    """Say how `what` is run, if it is that it was not, and a client was wanted."""
    if _around not in item.stash or not _NOT_RUN.search(str(failure)):
        return None
    return (
        f"{what} is `async def`, and no plugin runs it: set the ini option "
        "anyio_mode = auto or asyncio_mode = auto, or mark the test with "
        "@pytest.mark.anyio or @pytest.mark.asyncio, whose fixtures are "
        "@pytest_asyncio.fixture"
    )


# --- transcripts


def _transcripts() -> "list[Transcript]":
    module = sys.modules.get("wstest_core.transcript")
    if module is None:
        return []
    from wstest_core.report import of_interest

    return of_interest(module.recorded())


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
    from wstest_core.transcript import crash_in

    error = crash_in(transcript)
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
