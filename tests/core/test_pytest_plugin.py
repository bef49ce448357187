"""The pytest plugin, in runs of its own."""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import pytest

import wstest_core
from tests.services import require_package
from wstest_core import settings

# A run within this process lets go of the modules that it was the first to load.
for name in wstest_core.__all__:
    getattr(wstest_core, name)

APPS = """
import asyncio

import anyio
import pytest

from wstest_core import (
    NoMessage, SyncWebsocketCommunicator, WebsocketCommunicator, settings
)
from wstest_core.sync import connected


async def says(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    for frame in ("one", "two"):
        await send({"type": "websocket.send", "text": frame})
    await receive()


async def crashes(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    raise ValueError("no more")


async def late(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await anyio.sleep(5)
    await send({"type": "websocket.send", "text": "late"})
    await receive()


def sync(app, name="client", **options):
    return SyncWebsocketCommunicator(app, "/", name=name, **options)


def client(app, name="client", **options):
    return WebsocketCommunicator(app, "/", name=name, **options)


"""


# Without what else is installed, but for what a test names.
ALONE = ("--disable-plugin-autoload", "-p", "wstest", "-p", "no:cacheprovider")


class Run(Protocol):
    """Runs a test module that begins with the applications above."""

    def __call__(
        self, module: str, *options: str, ini: str = ...
    ) -> pytest.RunResult: ...


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("CI", "BUILD_NUMBER"):  # pytest says more there
        monkeypatch.delenv(name, raising=False)

    def run(module: str, *options: str, ini: str = "") -> pytest.RunResult:
        pytester.makeini(f"[pytest]\n{ini}")
        pytester.makepyfile(test_it=APPS + module)
        return pytester.runpytest(*ALONE, *options)

    return run


@pytest.fixture(autouse=True)
def settings_are_restored() -> Iterator[None]:
    """No run changes the settings for what comes after it."""
    before = replace(settings.current)
    yield
    assert settings.current == before


def normal(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"\d\.\d{3}s", "0.000s", text)
    text = re.sub(r"\bin \d+\.\d+s", "in 0.00s", text)
    return re.sub(r"(=|-|_){5,}", lambda line: line[0][:5], text)


def sections(result: pytest.RunResult) -> list[tuple[str, str]]:
    """Each section of ours, title and text."""
    lines = normal(result.stdout.str()).splitlines()
    found: list[tuple[str, list[str]]] = []
    ours = False
    for line in lines:
        if begin := re.fullmatch(r"----- (wstest: .*) -----", line):
            found.append((begin[1], []))
            ours = True
        elif re.fullmatch(r"(=====|-----|_____) .* \1", line):
            ours = False
        elif ours:
            found[-1][1].append(f"{line}\n")
    return [(title, "".join(text)) for title, text in found]


def titles(result: pytest.RunResult) -> list[str]:
    return [
        title.removeprefix("wstest: transcript of ") for title, _ in sections(result)
    ]


class TestTranscripts:
    """A failing test's report says what went over its connections."""

    def test_whole_report(self, run: Run) -> None:
        """The whole report of a failure: frames, what was not read, the end."""
        result = run(
            """
def test_reads_one():
    with sync(says, "alice") as alice:
        alice.send_text("hello")
        assert alice.receive_text() == "zero"
""",
            *("--tb=short", "-q"),
        )
        report = normal(result.stdout.str())
        assert report[report.index("===== FAILURES") :] == (
            "===== FAILURES =====\n"
            "_____ test_reads_one _____\n"
            "test_it.py:46: in test_reads_one\n"
            '    assert alice.receive_text() == "zero"\n'
            "E   AssertionError: assert 'one' == 'zero'\n"
            "E     \n"
            "E     - zero\n"
            "E     + one\n"
            "----- wstest: transcript of alice -----\n"
            "   0.000s <- accepted\n"
            "   0.000s <- one\n"
            "   0.000s <- two\n"
            "   0.000s -> hello\n"
            "   0.000s <- (the application returned)\n"
            "\n"
            "The test has not read 1 frame:\n"
            "    'two'\n"
            "===== short test summary info =====\n"
            "FAILED test_it.py::test_reads_one - "
            "AssertionError: assert 'one' == 'zero'\n"
            "1 failed in 0.00s"
        )

    def test_crash_that_nobody_saw(self, run: Run) -> None:
        """What the application raised is shown with its traceback."""
        result = run(
            """
def test_does_not_ask():
    with sync(crashes):
        assert False
"""
        )
        ((_, text),) = sections(result)
        assert text.startswith(
            "   0.000s <- accepted\n"
            "   0.000s <- (the application raised ValueError('no more'))\n"
            "\n"
            "The application raised:\n"
            "Traceback (most recent call last):\n"
        )
        assert text.endswith("\nValueError: no more\n")

    def test_crash_that_pytest_shows(self, run: Run) -> None:
        """A traceback that stands in the report already is not repeated."""
        result = run(
            """
def test_asks():
    with sync(crashes) as ws:
        ws.receive_text()
"""
        )
        ((_, text),) = sections(result)
        assert "Traceback" not in text
        result.stdout.fnmatch_lines(["*raise ValueError*", "*ApplicationCrashed: *"])

    def test_crash_after_the_goodbye(self, run: Run) -> None:
        """What it raised while it was ending is found too."""
        result = run(
            """
async def badly(scope, receive, send):
    await says(scope, receive, send)
    raise ValueError("in the end")


def test_disconnects():
    ws = sync(badly)
    ws.connect()
    ws.drop()
    ws.settle()
    assert False
"""
        )
        ((_, text),) = sections(result)
        assert text.endswith("\nValueError: in the end\n")

    def test_cancelled_by_the_end_of_the_loop(self, run: Run) -> None:
        """A communicator that nobody disconnected has no traceback to show."""
        result = run(
            """
def test_forgets(tmp_path):
    async def main():
        forgotten = client(says)
        await forgotten.connect()
        kept.append(forgotten)
        assert False
    kept = []
    try:
        anyio.run(main)
    finally:
        kept.pop().ignore_remaining()
""",
            *("-W", "ignore"),
        )
        ((_, text),) = sections(result)
        assert "(the application raised CancelledError(" in text
        assert "Traceback" not in text
        assert "The application raised" not in text

    def test_frames_only_looked_at(self, run: Run) -> None:
        """A frame that broke a silence was looked at and not read."""
        result = run(
            """
def test_wants_silence():
    with sync(says) as ws:
        assert ws.receive_nothing()
"""
        )
        ((_, text),) = sections(result)
        assert text.endswith("The test has not read 2 frames:\n    'one'\n    'two'\n")

    def test_all_of_a_test(self, run: Run) -> None:
        """Each communicator counts: of fixtures, of helpers, never connected."""
        result = run(
            """
@pytest.fixture
def bob():
    with sync(says, "bob") as bob:
        yield bob
        bob.ignore_remaining()


def helper():
    with sync(says, "gone") as gone:
        gone.ignore_remaining()


def test_fails(bob):
    helper()
    sync(says, "idle")
    assert False
"""
        )
        assert titles(result) == ["bob", "gone", "idle"]
        assert sections(result)[-1][1] == "Nothing was sent or received.\n"

    def test_none_of_another_test(self, run: Run) -> None:
        """A report shows the communicators of its own test only."""
        result = run(
            """
kept = []


@pytest.mark.parametrize("name", ["a", "b"])
def test_fails(name):
    kept.append(sync(says, name))
    assert False


def test_fails_without():
    assert False
"""
        )
        assert titles(result) == ["a", "b"]

    def test_failing_fixture(self, run: Run) -> None:
        """A failure before or after the test shows them as well, each once."""
        result = run(
            """
@pytest.fixture
def before():
    sync(says, "before")
    assert False


@pytest.fixture
def after():
    yield sync(says, "after")
    assert False


def test_error_before(before): pass
def test_error_after(after): pass
def test_failure_and_error(after): assert False
"""
        )
        result.assert_outcomes(errors=3, passed=1, failed=1)
        assert sorted(titles(result)) == ["after", "after", "before"]

    def test_passing_test(self, run: Run) -> None:
        """A test that passes shows nothing, not even with -rA."""
        result = run(
            """
def test_passes():
    sync(says)
""",
            "-rA",
        )
        assert sections(result) == []

    def test_can_be_hidden(self, run: Run) -> None:
        """What hides captured output hides them."""
        module = """
def test_fails():
    sync(says)
    assert False
"""
        assert sections(run(module, "--show-capture=no")) == []

    def test_many(self, run: Run) -> None:
        """Twenty are shown, the newest, and it is said that there were more."""
        result = run(
            """
def test_fails():
    for number in range(25):
        sync(says, str(number))
    assert False
"""
        )
        assert titles(result) == [str(number) for number in range(5, 25)]
        first, *others = (text for _, text in sections(result))
        assert first.startswith("Only the last 20 transcripts are kept.\n\n")
        assert not any("are kept" in text for text in others)


ASYNC_TESTS = """
{mark}async def test_fails():
    async with client(says, "alice") as alice:
        assert await alice.receive_text() == "zero"


{mark}async def test_passes():
    async with client(says) as ws:
        ws.ignore_remaining()
"""


class TestForgotten:
    """A plain test that does not disconnect does not keep its loop alive."""

    def test_ends_with_the_test(self, run: Run) -> None:
        """What a test connected ends with it; what a fixture did goes on."""
        result = run(
            """
import threading


@pytest.fixture(scope="module")
def shared():
    with sync(says) as ws:
        yield ws
        ws.ignore_remaining()


def loops():
    return sum("portal" in thread.name for thread in threading.enumerate())


def test_before():
    sync(says).connect()
    assert loops() == 1


def test_between():
    assert loops() == 0


def test_forgets(shared):
    sync(says, "forgotten").connect()
    assert len(connected()) == 2


def test_shared(shared):
    assert connected() == {shared}
    assert shared.receive_text() == "one"


def test_fails():
    ws = sync(crashes, "failing")
    ws.connect()
    assert False
""",
            ini="filterwarnings =\n    default\n    always::ResourceWarning",
        )
        result.assert_outcomes(passed=4, failed=1, warnings=2)
        result.stdout.fnmatch_lines(["*ResourceWarning: forgotten was never disc*"])

    def test_loop(self, run: Run) -> None:
        """A loop that a plain test has entered and not left is given back, too."""
        result = run(
            """
import threading

from wstest_core.loop import Loop


def test_forgets():
    Loop("work", timeout=1).__enter__()


def test_after():
    assert not any("portal" in thread.name for thread in threading.enumerate())
""",
            ini="filterwarnings =\n    default\n    always::ResourceWarning",
        )
        result.assert_outcomes(passed=2, warnings=1)
        result.stdout.fnmatch_lines(["*ResourceWarning: work was never disconnected*"])

    def test_crash(self, run: Run) -> None:
        """A crash that a passing test did not see is not hidden."""
        result = run(
            """
def test_looks_away():
    sync(crashes).connect()
"""
        )
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["*ApplicationCrashed: no clean end for client*"])


class TestOtherPlugins:
    """It gets along with those that run coroutines and those that spread tests."""

    @pytest.mark.parametrize(
        ("mark", "options"),
        [
            ("@pytest.mark.asyncio\n", ("-p", "asyncio", "--asyncio-mode=strict")),
            ("", ("-p", "asyncio", "--asyncio-mode=auto")),
            ("@pytest.mark.anyio\n", ("-p", "anyio")),
        ],
    )
    def test_coroutines(self, run: Run, mark: str, options: tuple[str, ...]) -> None:
        """A failing coroutine test has its transcript, whoever runs it."""
        ini = (
            "asyncio_default_fixture_loop_scope = function"
            if "asyncio" in options
            else ""
        )
        backend = "\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"
        result = run(ASYNC_TESTS.format(mark=mark) + backend, *options, ini=ini)
        result.assert_outcomes(passed=1, failed=1)
        ((title, text),) = sections(result)
        assert title == "wstest: transcript of alice"
        assert text.endswith("The test has not read 1 frame:\n    'two'\n")

    def test_xdist(self, run: Run) -> None:
        """Workers have the options, and send the transcripts home."""
        result = run(
            """
@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_fails(name):
    sync(says, name)
    assert settings.current.timeout == 7
    assert settings.current.unread == "error"
    assert name in "ac"
""",
            *("-p", "xdist", "-n2", "--wstest-timeout=7"),
            ini="wstest_unread = error",
        )
        result.assert_outcomes(passed=2, failed=2)
        assert sorted(titles(result)) == ["b", "d"]


CHECK = """
def test_settings():
    now = settings.current
    assert (now.timeout, now.unread, now.virtual_clock) == {0}
"""


class TestOptions:
    """Defaults for a whole run."""

    @pytest.mark.parametrize(
        ("ini", "options", "expected"),
        [
            ("", (), (1.0, "warn", False)),
            ("wstest_timeout = 2.5", (), (2.5, "warn", False)),
            ("wstest_unread = ignore", (), (1.0, "ignore", False)),
            ("wstest_virtual_clock = true", (), (1.0, "warn", True)),
            ("", ("--wstest-timeout=0",), (0.0, "warn", False)),
            ("", ("--wstest-unread=error",), (1.0, "error", False)),
            ("", ("--wstest-virtual-clock",), (1.0, "warn", True)),
            (
                "wstest_timeout = 2\nwstest_unread = ignore\nwstest_virtual_clock = on",
                (
                    "--wstest-timeout=3",
                    "--wstest-unread=warn",
                    "--no-wstest-virtual-clock",
                ),
                (3.0, "warn", False),
            ),
        ],
    )
    def test_defaults(
        self, run: Run, ini: str, options: tuple[str, ...], expected: object
    ) -> None:
        """The ini file sets them, and the command line wins over it."""
        result = run(CHECK.format(expected), *options, ini=ini)
        result.assert_outcomes(passed=1)

    @pytest.mark.parametrize(
        ("ini", "option", "text"),
        [
            ("", "--wstest-timeout=-1", "--wstest-timeout='-1': give seconds"),
            ("", "--wstest-timeout=soon", "--wstest-timeout='soon': give seconds"),
            ("", "--wstest-timeout=nan", "--wstest-timeout='nan': give seconds"),
            ("", "--wstest-unread=no", "--wstest-unread='no': give 'warn', 'error'"),
            ("wstest_timeout = -1", "", "wstest_timeout=-1.0: give seconds, 0 or more"),
            ("wstest_timeout = soon", "", "wstest_timeout: *'soon'"),
            ("wstest_unread = no", "", "wstest_unread='no': give 'warn', 'error' or"),
            ("wstest_virtual_clock = x", "", "wstest_virtual_clock: *'x'"),
        ],
    )
    def test_invalid(self, run: Run, ini: str, option: str, text: str) -> None:
        """An impossible value ends the run with one clear line."""
        result = run("", *filter(None, [option]), ini=ini)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        (line,) = [each for each in result.errlines if each]
        pytest.LineMatcher([line]).fnmatch_lines([f"ERROR: {text}*"])

    @pytest.mark.skipif(
        pytest.version_tuple < (9, 0), reason="TOML of its own came with pytest 9"
    )
    def test_toml(self, pytester: pytest.Pytester) -> None:
        """In pytest's own TOML a number is a number, a list a list."""
        pytester.makefile(
            ".toml",
            pytest="""
            [pytest]
            wstest_timeout = 2.5
            wstest_virtual_clock = true
            wstest_harmless_threads = ["feeder-*"]
            """,
        )
        pytester.makepyfile(APPS + CHECK.format((2.5, "warn", True)))
        pytester.runpytest(*ALONE).assert_outcomes(passed=1)

    def test_harmless_threads(self, run: Run) -> None:
        """A thread that is named there does not stand in the way of a proof."""
        module = """
import threading


def test_proof():
    end = threading.Event()
    thread = threading.Thread(target=end.wait, args=[10], name="feeder-1")
    thread.start()
    try:
        with sync(late) as ws, pytest.raises(NoMessage, match=MATCH):
            ws.receive_text()
    finally:
        end.set()
        thread.join()
"""
        options = ("--wstest-timeout=0.01",)
        unknown = run(f"MATCH = 'not provable sooner'\n{module}", *options)
        unknown.assert_outcomes(passed=1)
        known = run(
            f"MATCH = 'nothing can arrive'\n{module}",
            *options,
            ini="wstest_harmless_threads =\n    other\n    feeder-*",
        )
        known.assert_outcomes(passed=1)

    def test_unread(self, run: Run) -> None:
        """The policy decides what happens to the frames that a test left."""
        module = """
def test_leaves():
    with sync(says):
        pass
"""
        warns = run(module, ini="filterwarnings = default")
        warns.assert_outcomes(passed=1, warnings=1)
        run(module, "--wstest-unread=error").assert_outcomes(failed=1)
        run(module, "--wstest-unread=ignore").assert_outcomes(passed=1)


class TestMark:
    """Defaults for a module, a class or a test."""

    def test_registered(self, run: Run) -> None:
        """The mark is shown with its whole signature."""
        result = run("", "--markers")
        result.stdout.fnmatch_lines(
            ["@pytest.mark.wstest([*], timeout=None, unread=None, virtual_clock=*):*"]
        )

    def test_closest_wins(self, run: Run) -> None:
        """Marks of test, class and module are merged, the closest first."""
        result = run(
            """
pytestmark = pytest.mark.wstest(timeout=2, unread="ignore")


def now():
    now = settings.current
    return now.timeout, now.unread, now.virtual_clock


def test_of_the_module():
    assert now() == (2, "ignore", False)


@pytest.mark.wstest(timeout=3, virtual_clock=True)
class TestClass:
    def test_of_the_class(self):
        assert now() == (3, "ignore", True)

    @pytest.mark.wstest(timeout=None, unread="error", virtual_clock=False)
    def test_of_its_own(self):
        assert now() == (3, "error", False)

    @pytest.fixture
    def seen(self):
        before = now()
        yield before
        assert now() == before

    @pytest.mark.wstest(timeout=0)
    def test_with_fixture(self, seen):
        assert seen == now() == (0, "ignore", True)


def test_of_the_module_again():
    assert now() == (2, "ignore", False)
""",
            "--wstest-timeout=9",
        )
        result.assert_outcomes(passed=5)

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ("tiemout=1", "the mark wstest(*) has no argument tiemout"),
            ("1", "the mark wstest(*) takes no positional arguments"),
            ("timeout=-1", "wstest: timeout=-1: give seconds, 0 or more"),
            ("timeout=True", "wstest: timeout=True: give seconds, 0 or more"),
            ("timeout=[]", "wstest: timeout=[[][]]: give seconds, 0 or more"),
            ("unread='no'", "wstest: unread='no': give 'warn', 'error' or 'ignore'"),
            ("virtual_clock='no'", "wstest: virtual_clock='no': give true or false"),
        ],
    )
    def test_wrong_use(self, run: Run, arguments: str, text: str) -> None:
        """A wrong argument is one clear error of that test, without a traceback."""
        result = run(
            f"""
@pytest.mark.wstest({arguments})
def test_marked():
    pass


def test_other():
    pass
"""
        )
        result.assert_outcomes(errors=1, passed=1)
        report = normal(result.stdout.str()).splitlines()
        start = report.index("_____ ERROR at setup of test_marked _____")
        end = report.index("===== short test summary info =====")
        shown = [line for line in report[start + 1 : end] if line]
        assert len(shown) == 1
        pytest.LineMatcher(shown).fnmatch_lines([text])


WAITS = """
    async with client(late) as ws:
        assert await ws.receive_text(timeout=6) == "late"
        with pytest.raises(NoMessage, match="nothing more can arrive"):
            await ws.receive_text(timeout=3600)
"""


class TestVirtualClock:
    """The setting lets time jump while a communicator is connected."""

    @pytest.mark.parametrize(
        ("mark", "options", "ini"),
        [
            ("", (), "wstest_virtual_clock = true"),
            ("", ("--wstest-virtual-clock",), ""),
            ("@pytest.mark.wstest(virtual_clock=True)", (), ""),
        ],
    )
    def test_on_asyncio(
        self, run: Run, mark: str, options: tuple[str, ...], ini: str
    ) -> None:
        """An application that sleeps answers at once; the loop is left as found."""
        result = run(
            f"""
{mark}
def test_jumps():
    asyncio.run(jumps())


async def jumps():
    loop = asyncio.get_running_loop()
    before = loop.time()
    {WAITS}
    assert "time" not in vars(loop)
    assert loop.time() < before + 5
""",
            *options,
            ini=ini,
        )
        result.assert_outcomes(passed=1)

    def test_off(self, run: Run) -> None:
        """Without it an application's sleep is not waited for."""
        module = """
def test_waits():
    with sync(late) as ws, pytest.raises(NoMessage):
        ws.receive_text()
"""
        run(module).assert_outcomes(passed=1)

    def test_on_trio(self, run: Run) -> None:
        """With the fixture as anyio's backend it works on trio too."""
        require_package("trio")
        result = run(
            f"""
import trio
from wstest_core import virtual_clock


@pytest.fixture
def anyio_backend(trio_virtual_clock):
    return trio_virtual_clock


@pytest.mark.anyio
@pytest.mark.wstest(virtual_clock=True)
async def test_by_the_setting():
    {WAITS}


@pytest.mark.anyio
async def test_by_itself():
    with virtual_clock() as clock:
        await trio.sleep(3600)
    assert clock.elapsed >= 3600
""",
            *("-p", "anyio"),
        )
        result.assert_outcomes(passed=2)

    def test_where_there_is_none(self, run: Run) -> None:
        """A clock that cannot be driven is one clear error, and nothing is left."""
        require_package("trio")
        result = run(
            """
@pytest.mark.wstest(virtual_clock=True)
def test_cannot():
    ws = sync(says, backend="trio")
    with pytest.raises(RuntimeError, match="trio chooses its clock"):
        ws.connect()
    with pytest.raises(RuntimeError, match="trio chooses its clock"):
        with sync(says, backend="trio"):
            pass
"""
        )
        result.assert_outcomes(passed=1)


class TestNoPlugin:
    """A client for coroutines, and nobody who runs them."""

    WANTED = """
from contextlib import asynccontextmanager
from wstest_core.pytest_plugin import open_around


@asynccontextmanager
async def block():
    yield


@pytest.fixture
def wanted(request):
    open_around(request.node, block(), plain="another")


@pytest.fixture
async def coroutine(wanted):
    pass


@pytest.fixture
async def generator(wanted):
    yield


@pytest.fixture
def fails(wanted):
    pytest.fail("for a reason")
"""
    SAID = (
        " is `async def`, and no plugin runs it: set the ini option anyio_mode = auto "
        "or asyncio_mode = auto, or mark the test with @pytest.mark.anyio or "
        "@pytest.mark.asyncio, whose fixtures are @pytest_asyncio.fixture"
    )

    @pytest.mark.parametrize(
        ("name", "what"),
        [
            ("wanted", "test_it"),
            ("coroutine", "the fixture coroutine"),
            ("generator", "the fixture generator"),
        ],
    )
    def test_said_in_one_sentence(self, run: Run, name: str, what: str) -> None:
        """It names the options and the markers of both plugins there are."""
        result = run(f"{self.WANTED}\nasync def test_it({name}): ...")
        assert result.ret == 1
        result.stdout.fnmatch_lines([f"{what}{self.SAID}"])
        result.stdout.no_fnmatch_line("*natively*")
        result.stdout.no_fnmatch_line("*hidden*")

    def test_others_are_left_alone(self, run: Run) -> None:
        """Without such a client pytest has its say; a failure stays what it is."""
        result = run(
            f"""{self.WANTED}
async def test_of_no_client(): ...


def test_fails(fails): ...


async def test_fails_too(fails): ...
"""
        )
        result.assert_outcomes(failed=1, errors=2)
        result.stdout.fnmatch_lines_random(["*natively*", "*Failed: for a reason"])
        result.stdout.no_fnmatch_line("*no plugin runs it*")
        result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def traced_by(home: str) -> Callable[[], object]:
    def tracer(*_: object) -> None:
        return None

    tracer.__module__ = home
    return lambda: tracer


class CTracer:
    """Coverage's tracer is an object of a class of an extension module."""

    def __call__(self, *_: object) -> None:
        return None


CTracer.__module__ = "coverage.tracer"


class TestDebugger:
    """A person who steps through a test is given time."""

    @pytest.mark.parametrize("home", ["bdb", "pdb", "_pydevd_bundle.pydevd_x", "pudb"])
    def test_attached(self, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
        """The trace function tells a debugger by the module it comes from."""
        monkeypatch.setattr(sys, "gettrace", traced_by(home))
        assert settings.debugger_attached()

    @pytest.mark.parametrize("tracer", [traced_by("coverage.pytracer"), CTracer])
    def test_coverage(
        self, monkeypatch: pytest.MonkeyPatch, tracer: Callable[[], object]
    ) -> None:
        """Whoever measures coverage is no debugger."""
        monkeypatch.setattr(sys, "gettrace", tracer)
        assert not settings.debugger_attached()

    def test_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a trace function there is none."""
        monkeypatch.setattr(sys, "gettrace", lambda: None)
        assert not settings.debugger_attached()

    def test_real_one(self, pytester: pytest.Pytester) -> None:
        """Under pdb a wait outlasts its timeout, in coroutines and plain tests."""
        pytester.makepyfile(
            f"""{APPS}
pytestmark = pytest.mark.wstest(virtual_clock=True)


def never():
    pass


def test_plain():
    with sync(late) as ws:
        breakpoint()
        frame = ws.receive_text(timeout=1)
        assert settings.debugger_attached()
    assert frame == "late"


async def coroutine():
    async with client(late) as ws:
        breakpoint()
        frame = await ws.receive_text(timeout=1)
        assert settings.debugger_attached()
    assert frame == "late"


def test_coroutine():
    asyncio.run(coroutine())
"""
        )
        result = pytester.run(
            *(sys.executable, "-m", "pytest", *ALONE),
            stdin=b"break never\ncontinue\n" * 2,  # it traces on for that
        )
        result.assert_outcomes(passed=2)

    def test_none(self, run: Run) -> None:
        """The same wait without a debugger ends at its timeout."""
        module = """
@pytest.mark.wstest(virtual_clock=True)
def test_plain():
    with sync(late) as ws, pytest.raises(NoMessage):
        ws.receive_text(timeout=1)
"""
        run(module).assert_outcomes(passed=1)
