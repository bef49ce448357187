"""Pages of failed tests: what they show, and how pytest leaves them."""

import asyncio
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

import pytest

from tests.core.test_pytest_plugin import ALONE, APPS
from tests.services import require_package
from wstest_core._timeline import failed_at, moments, names
from wstest_core.errors import ApplicationCrashed, NoMessage, address
from wstest_core.events import Accept, Close, Crash, Frame, Reject, Return
from wstest_core.report import (
    Failure,
    Page,
    encoded,
    file_name,
    index,
    of_interest,
    page,
)
from wstest_core.transcript import Happening, Transcript

SVG = "{http://www.w3.org/2000/svg}"


class Seen(HTMLParser):
    """A page as a browser reads it: its words, its links, and the picture."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.loaded: list[tuple[str, str | None]] = []
        self.links: list[str] = []
        self.titles: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        drawn = re.search(r"<svg.*</svg>", html, re.DOTALL)
        self.picture = None if drawn is None else ElementTree.fromstring(drawn[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name == "href" and value:
                self.links.append(value)
            elif name in ("src", "action", "data") or name.startswith("on"):
                self.loaded.append((name, value))

    def handle_data(self, data: str) -> None:
        if data.strip() and self.tags[-1] != "style":
            self.words.append(data)

    def text(self) -> str:
        return "\n".join(self.words)

    def drawn(self) -> list[str]:
        """All words of the picture, from its beginning to its end."""
        assert self.picture is not None
        return [each.text or "" for each in self.picture.iter("text")]


def a_failure(error: str = "AssertionError: no", text: str = "E   no") -> Failure:
    return Failure("call", error, text)


def seen(*transcripts: Transcript, test: str = "test_it.py::test_it") -> Seen:
    return Seen(page(test, [a_failure()], transcripts))


def talk(name: str = "ann", begin: float = 10.0) -> Transcript:
    transcript = Transcript(name)
    transcript.received(begin, Accept())
    transcript.sent(begin + 0.5, '{"say":"hi"}')
    transcript.received(begin + 0.55, b"\x00\xff")
    return transcript


def entries(*whats: Happening, name: str = "ann") -> Transcript:
    transcript = Transcript(name)
    for number, what in enumerate(whats):
        transcript.received(number / 1000, what)
    return transcript


class TestTimeline:
    """Several transcripts on one axis of time."""

    def test_all_in_the_order_of_time(self) -> None:
        """Times count from the first entry of any; each has its own number."""
        found = moments([talk("ann", 10.0), talk("bob", 9.75)])
        assert [each.client for each in found] == [1, 0, 1, 1, 0, 0]
        assert [each.at for each in found] == pytest.approx(
            [0.0, 0.25, 0.5, 0.55, 0.75, 0.8]
        )
        assert [each.number for each in found] == [1, 2, 3, 4, 5, 6]

    def test_each_keeps_its_own_order(self) -> None:
        """A clock that was turned back does not turn a conversation round."""
        transcript = Transcript()
        for at, frame in ((5.0, "one"), (9.0, "two"), (6.0, "three")):
            transcript.received(at, frame)
        found = moments([transcript])
        assert [each.entry.what for each in found] == ["one", "two", "three"]
        assert [each.at for each in found] == [0.0, 4.0, 4.0]

    def test_unread_are_the_last_that_arrived(self) -> None:
        """Of two frames that are alike the first was read."""
        transcript = entries("a", "b", "a", "c")
        transcript.unread_in(["a", "c"])
        assert [each.unread for each in moments([transcript])] == [
            *(False, False, True, True)
        ]

    def test_names_are_told_apart(self) -> None:
        """Clients of one name are numbered, in the order they were made."""
        made = [Transcript(name) for name in ("ann", "client", "client", "client")]
        assert names(made) == ["ann", "client", "client (2)", "client (3)"]

    def test_failure_comes_after_all_that_was_sent(self) -> None:
        """An error that the test expected is not what it failed with."""
        expected, ann, bob = talk("x", 1.0), talk("ann", 10.0), talk("bob", 10.0)
        expected.failed(1.7, "The application is asleep.")
        ann.failed(12.1, "The application is awake.")
        bob.failed(12.0, "The application is awake.")
        every = [expected, ann, bob]
        assert failed_at(every, moments(every)) == pytest.approx(11.0)
        assert failed_at([expected, talk()], moments([expected, talk()])) is None

    def test_nothing_at_all(self) -> None:
        """There may be no entry, and no client."""
        assert moments([]) == moments([Transcript()]) == []
        assert failed_at([], []) is None


class TestFileNames:
    """Where the page of a test is kept."""

    @pytest.mark.parametrize(
        ("test", "name"),
        [
            ("test_it.py::test_a", "test-it-py-test-a-0d9313dc.html"),
            ("tests/a/test_it.py::TestX::test_a[1-b]", None),
            ("test_it.py::test_a[../../etc/passwd]", None),
            ("test_it.py::test_a[C:\\con|nul?*<>\"']", None),
            ("test_it.py::test_ä[日本語 \U0001f600 \ud800]", None),
            ("test_it.py::test_a[" + "x" * 5000 + "]", None),
            ("[]", "test-0d4cbb29.html"),
            (".hidden", None),
        ],
    )
    def test_safe_anywhere(self, test: str, name: str | None) -> None:
        """A short name of plain letters that no system takes for something else."""
        found = file_name(test)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,100}\.html", found)
        assert name in (None, found)

    def test_no_two_are_the_same(self) -> None:
        """Not on a system that takes a for A either, nor where they were cut."""
        tests = [f"{'x' * 300}::test[{n}]" for n in range(100)]
        tests += ["test_a", "test_A", "test-a", "test_a[ä]", "test_a[ö]"]
        assert len({file_name(test).lower() for test in tests}) == len(tests)


class TestPage:
    """What a page shows."""

    def test_whole_of_a_small_one(self) -> None:
        """Test, error, picture, application, traceback and each entry in full."""
        words = seen(talk(), test="tests/test_it.py::TestX::test_it[a::b]").text()
        for part in (
            "tests/test_it.py :: TestX",
            "test_it[a::b]",
            "In the test:",
            "AssertionError: no",
            "The connection was open when this page was written.",
            "E   no",
            '{\n  "say": "hi"\n}',
            "2 bytes b'\\x00\\xff'",
        ):
            assert part in words

    def test_picture(self) -> None:
        """The application in the middle, times and pauses, what was not read."""
        ann, bob = talk("ann", 10.0), talk("bob", 10.0)
        bob.unread_in([b"\x00\xff"])
        ann.remark(11.0, "the client vanishes")
        assert seen(ann, bob).drawn() == [
            *("the application", "ann", "bob"),
            *("0.000 s", "accepted", "accepted"),
            "+ 0.500 s",
            *("0.500 s", '{"say":"hi"}', '{"say":"hi"}'),
            *("0.550 s", "2 bytes b'\\x00\\xff'", "2 bytes b'\\x00\\xff' (unread)"),
            "+ 0.450 s",
            *("1.000 s", "the client vanishes"),
        ]

    def test_moment_of_failure(self) -> None:
        """It is drawn where it was, and what was going on then is told."""
        ann = talk()
        ann.failed(10.7, "The application is sleeping in f() at a.py:3.")
        ann.remark(10.75, "the client disconnects, code 1000")
        found = seen(ann)
        assert found.drawn()[-5:] == [
            "+ 0.150 s",
            *("0.700 s", "the test fails"),
            *("0.750 s", "the client disconnects, code 1000"),
        ]
        told = "When the test failed: The application is sleeping in f() at a.py:3."
        assert told in found.text()

    @pytest.mark.parametrize(
        ("whats", "words"),
        [
            ([], "It was never connected."),
            ([Accept()], "The connection was open when this page was written."),
            ([Accept(), Return()], "In the end: the application returned."),
            (
                [Accept(), Close(4001, "bye")],
                "In the end: closed by the application, code 4001 'bye'.",
            ),
            (
                [Reject(4401)],
                "In the end: refused by the application: HTTP 403, close code 4401.",
            ),
            (
                [Accept(), Close(), Crash(ValueError("late"))],
                "In the end: the application raised ValueError('late').",
            ),
            (["frame"], "The connection was neither accepted nor refused."),
        ],
    )
    def test_how_it_ended(self, whats: list[Happening], words: str) -> None:
        """Each client says what became of the application."""
        assert words in seen(entries(*whats)).text()

    def test_what_the_application_raised(self) -> None:
        """Its traceback is on the page, folded."""
        try:
            raise KeyError("room")
        except KeyError as error:
            found = seen(entries(Accept(), Crash(error)))
        assert 'raise KeyError("room")' in found.text()
        assert "details" in found.tags

    def test_that_it_was_cancelled_is_no_traceback(self) -> None:
        """The end of an event loop cancels what was never disconnected."""
        found = seen(entries(Crash(asyncio.CancelledError("the loop has ended"))))
        assert "What it raised" not in found.text()

    def test_all_failures_of_a_test(self) -> None:
        """It may fail, and again when it is torn down."""
        failures = [a_failure("A: a", "aaa"), Failure("teardown", "B: b", "bbb")]
        words = Seen(page("t", failures, [])).text()
        for part in ("In the test:", "A: a", "aaa", "After the test:", "B: b", "bbb"):
            assert part in words
        assert "No client of wstest was used." in words

    def test_what_was_captured(self) -> None:
        """Output is there without its colours; where there was none, nothing is."""
        captured = [("Captured stdout", "\x1b[31mred\x1b[0m"), ("Captured log", "\n")]
        words = Seen(page("t", [a_failure()], [], captured)).text()
        assert "Captured stdout" in words
        assert "\nred" in words
        assert "Captured log" not in words

    @pytest.mark.parametrize(
        "nasty",
        [
            "<script>alert(1)</script>",
            "</pre></svg><img src=x onerror=alert(1)>",
            "\"'&amp;",
            "a\x00\x1b\x7f\x9f\ud800\ufffe",
            '{"not": json',
            "日本語" * 500,
            "",
        ],
    )
    def test_any_text_is_only_text(self, nasty: str) -> None:
        """Whatever frames, names and errors hold is shown, and does nothing."""
        transcript = entries(Accept(), nasty, Close(reason=nasty), name=nasty)
        html = page(nasty, [a_failure(nasty, nasty)], [transcript], [(nasty, nasty)])
        found = Seen(encoded(html).decode())
        assert not {"script", "img"} & set(found.tags)
        assert found.loaded == []

    def test_needs_nothing_else(self) -> None:
        """No network, no script: all links stay on the page, and lead somewhere."""
        found = seen(talk("ann"), talk("bob"))
        assert found.loaded == []
        assert len(found.links) == 6
        assert all(link[1:] in found.ids for link in found.links)
        assert not {"script", "link", "iframe", "object"} & set(found.tags)

    def test_address_is_a_link(self) -> None:
        """The one that a failure ends with, and no other that its text has."""
        where = address(NoMessage)
        text = f"E   no frame: 'https://a.example/<b>'\nE   {where}"
        found = Seen(page("t", [a_failure(text=text)], [], [("Captured log", where)]))
        assert found.links == [where, where]
        assert found.loaded == []
        assert f"\nE   \n{where}" in found.text()

    def test_long_conversation(self) -> None:
        """The last entries are shown, and how many there were."""
        found = seen(entries(*[str(number) for number in range(1000)]))
        assert "The last 400 of 1000 entries." in found.text()
        assert len(found.links) == 400
        assert found.drawn()[-1] == "999"

    def test_long_frame(self) -> None:
        """It is cut in the picture, and far later in the list of entries."""
        frames: list[Frame] = ["x" * 25_000, b"y" * 25_000]
        found = seen(entries(*frames))
        assert max(map(len, found.drawn())) < 100
        assert "x" * 20_000 + "… (5000 characters more)" in found.text()

    @pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 20])
    def test_many_clients(self, count: int) -> None:
        """Each has a line of its own; nobody stands on another's."""
        found = seen(*(talk(f"c{number}") for number in range(count)))
        assert found.picture is not None
        heads = [each.get("x") for each in found.picture.findall("g/rect")]
        places = sorted(float(x or "nan") for x in heads)
        assert len(places) == count + 1
        assert all(b - a > 150 for a, b in pairwise(places))


class TestOfInterest:
    """Logs that tell nothing are left out."""

    def test_lifespan(self) -> None:
        """That of a client for HTTP which was asked for nothing is one."""
        lifespan, requests, page, silent = (
            Transcript(name) for name in ("http", "http", "page", "http")
        )
        for transcript in (lifespan, requests, page):
            transcript.received(1.0, Accept())
            transcript.sent(1.0, "startup")
            transcript.received(1.0, "startup: done")
        requests.sent(2.0, "GET /")
        for transcript in (lifespan, requests):
            transcript.sent(3.0, "shutdown")
        kept = [requests, page, silent]
        assert of_interest([lifespan, *kept]) == kept
        assert "startup" not in seen(lifespan).text()
        assert "startup" in seen(requests).text()


class TestIndex:
    """The list of the pages of a run."""

    def test_each_leads_to_its_page(self) -> None:
        """What failed, and with what."""
        pages = [Page("a.py::t[<x>]", "a.html", "E: <b>"), Page("b", "b.html", "F")]
        found = Seen(index(pages))
        assert found.links == ["a.html", "b.html"]
        for part in ("2 tests have failed", "a.py::t[<x>]", "E: <b>"):
            assert part in found.text()

    def test_one_and_none(self) -> None:
        """It counts as people do."""
        assert "1 test has failed" in Seen(index([Page("a", "a.html", "E")])).text()
        assert "No test has failed" in Seen(index([])).text()


# --- in pytest


class Run(Protocol):
    """Runs a test module that begins with the applications of the plugin's tests."""

    def __call__(self, module: str, *options: str) -> pytest.RunResult: ...


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    def run(module: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=APPS + module)
        return pytester.runpytest(*ALONE, "--wstest-report=pages", *options)

    return run


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    return pytester.path / "pages"


def pages_in(folder: Path) -> dict[str, Seen]:
    """Each page by the test whose it is, in the order of the list."""
    listed = Seen((folder / "index.html").read_text("utf-8"))
    found = {link: Seen((folder / link).read_text("utf-8")) for link in listed.links}
    assert {path.name for path in folder.iterdir()} == {*found, "index.html"}
    tests = [word for word in listed.words if "::" in word]
    return dict(zip(tests, found.values(), strict=True))


class TestOption:
    """`--wstest-report DIR`."""

    def test_page_of_each_failing_test(self, run: Run, folder: Path) -> None:
        """Failing tests have pages, others have none; the terminal says where."""
        result = run(
            """
def test_passes():
    with sync(says) as ws:
        ws.ignore_remaining()


def test_fails():
    print("printed")
    with sync(says, "ann") as ann, sync(crashes, "bob") as bob:
        assert ann.receive_text() == "zero"


def test_without():
    assert False


@pytest.mark.xfail
def test_expected():
    assert False
"""
        )
        result.stdout.fnmatch_lines(["wstest: pages of failing tests: *index.html"])
        found = pages_in(folder)
        assert list(found) == ["test_it.py::test_fails", "test_it.py::test_without"]
        words = found["test_it.py::test_fails"].text()
        for part in (
            "AssertionError: assert 'one' == 'zero'",
            'assert ann.receive_text() == "zero"',
            "In the end: the application raised ValueError('no more').",
            "The test has not read 1 frame.",
            "printed",
        ):
            assert part in words
        drawn = found["test_it.py::test_fails"].drawn()
        assert drawn[:3] == ["the application", "ann", "bob"]
        assert "two (unread)" in drawn

    def test_state_of_each_client(self, run: Run, folder: Path) -> None:
        """What the application was doing is told of all, whoever's wait failed."""
        run(
            """
def test_fails():
    with sync(says, "ann"), sync(late, "bob"), sync(says, "cy") as cy:
        assert cy.receive_text() == "zero"
"""
        )
        (found,) = pages_in(folder).values()
        told = [word for word in found.words if word.startswith("When the test")]
        assert len(told) == 3
        assert re.search(r"is waiting for input in says\(\) at \S+\.$", told[0])
        assert re.search(r"is sleeping in late\(\) at \S+\.$", told[1])
        drawn = found.drawn()
        assert "the test fails" in drawn
        assert drawn.index("the test fails") < drawn.index("the application returned")

    def test_failure_leads_to_its_explanation(self, run: Run, folder: Path) -> None:
        """The address at the end of a failure can be clicked."""
        run("def test_fails():\n    with sync(crashes) as ws: ws.receive_text()\n")
        (found,) = pages_in(folder).values()
        assert found.links[-1] == address(ApplicationCrashed)
        assert sum("://" in link for link in found.links) == 1

    def test_before_and_after_the_test(self, run: Run, folder: Path) -> None:
        """A fixture that fails leaves a page; one page has all of a test."""
        run(
            """
@pytest.fixture
def before():
    with sync(says, "early"):
        raise RuntimeError("too early")


@pytest.fixture
def after():
    yield
    raise RuntimeError("too late")


def test_before(before): pass
def test_after(after): pass
def test_both(after): assert False
"""
        )
        found = pages_in(folder)
        before = found["test_it.py::test_before"]
        assert "RuntimeError: too early" in before.text()
        assert "early" in before.drawn()
        assert "RuntimeError: too late" in found["test_it.py::test_after"].text()
        both = found["test_it.py::test_both"].text()
        assert "assert False" in both
        assert "RuntimeError: too late" in both

    @pytest.mark.parametrize("style", ["no", "line", "short", "native"])
    def test_traceback_is_there_in_any_style(
        self, run: Run, folder: Path, style: str
    ) -> None:
        """Also where the terminal shows none."""
        run("def test_fails():\n    assert 1 == 2\n", f"--tb={style}")
        (found,) = pages_in(folder).values()
        assert "assert 1 == 2" in found.text()
        assert re.search(r'test_it\.py(:|", line )\d+', found.text())

    def test_no_terminal(self, run: Run, folder: Path) -> None:
        """Where nothing is shown there is no list, and the page is there."""
        result = run("def test_fails():\n    assert 1 == 2\n", "-p", "no:terminal")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        (page,) = folder.iterdir()
        assert "assert 1 == 2" in Seen(page.read_text("utf-8")).text()

    def test_names_of_any_kind(self, run: Run, folder: Path) -> None:
        """Parameters may hold what no file name may."""
        run(
            """
@pytest.mark.parametrize("x", ["a/b", "..", "ä", "日本", "x" * 400, "<b>"], ids=str)
def test_fails(x):
    assert False
"""
        )
        assert len(pages_in(folder)) == 6

    def test_xdist(self, run: Run, folder: Path) -> None:
        """Workers write pages, and one list has them all."""
        require_package("xdist")
        run(
            """
@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_fails(name):
    sync(says, name).connect()
    assert name in "ac"
""",
            *("-p", "xdist", "-n2"),
        )
        found = pages_in(folder)
        assert sorted(found) == [f"test_it.py::test_fails[{name}]" for name in "bd"]
        assert "d" in found["test_it.py::test_fails[d]"].drawn()

    def test_test_that_goes_elsewhere(self, run: Run, folder: Path) -> None:
        """The folder is where the run began, wherever a test has gone."""
        run(
            """
def test_fails(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert False
"""
        )
        assert len(pages_in(folder)) == 1

    def test_nothing_fails(self, run: Run, folder: Path) -> None:
        """Then there is no folder; an older list does not go on accusing."""
        result = run("def test_passes(): pass\n")
        assert not folder.exists()
        result.stdout.no_fnmatch_line("*wstest: pages*")
        run("def test_fails(): assert False\n")
        run("def test_passes(): pass\n")
        assert "No test has failed" in (folder / "index.html").read_text("utf-8")

    def test_file_instead_of_a_folder(
        self, run: Run, pytester: pytest.Pytester
    ) -> None:
        """A mistake on the command line is told before any test runs."""
        pytester.makefile("", pages="")
        result = run("def test_passes(): pass\n")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            ["ERROR: --wstest-report=pages: that is a file; give a folder"]
        )

    def test_folder_that_cannot_be_made(self, run: Run) -> None:
        """Neither the report of the failure nor the run suffers from it."""
        result = run(
            """
from pathlib import Path


def test_fails():
    Path("pages").write_text("")
    assert False
"""
        )
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*wstest: no page*", "It was not written: *"])


@pytest.fixture
def alone(pytester: pytest.Pytester) -> Iterator[pytest.Pytester]:
    pytester.makeconftest(
        """
        import sys

        def pytest_sessionfinish():
            print("loaded:", "wstest_core.report" in sys.modules)
        """
    )
    return pytester


@pytest.mark.parametrize(
    ("options", "loaded"), [((), False), (("--wstest-report=pages",), True)]
)
def test_page_builder_is_loaded_where_pages_are_wanted(
    alone: pytest.Pytester, options: tuple[str, ...], loaded: bool
) -> None:
    """Not so in other runs, whatever fails there."""
    alone.makepyfile("def test_it():\n    assert False\n")
    command = (sys.executable, "-m", "pytest", *ALONE, "-s", *options)
    alone.run(*command).stdout.fnmatch_lines([f"*loaded: {loaded}"])
