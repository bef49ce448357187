"""Transcripts: what is recorded, and how it is shown."""

from collections import deque
from html.parser import HTMLParser

import pytest

from wstest_core import settings
from wstest_core.events import Accept, Close, Crash, Reject, Return
from wstest_core.transcript import Happening, Transcript, forget, recorded


def one(what: Happening) -> str:
    transcript = Transcript()
    transcript.received(0, what)
    return str(transcript)


def talk() -> Transcript:
    transcript = Transcript("alice")
    transcript.received(10.0, Accept())
    transcript.sent(10.5, '{"say": "a; b"}')
    transcript.received(11.25, b"\x00\xff")
    transcript.remark(12.0, "the client vanishes")
    return transcript


class TestText:
    """`str()`: one line for each entry."""

    def test_a_whole_connection(self) -> None:
        """Times count from the first entry; arrows show the direction."""
        assert str(talk()) == (
            "   0.000s <- accepted\n"
            '   0.500s -> {"say": "a; b"}\n'
            "   1.250s <- 2 bytes b'\\x00\\xff'\n"
            "   2.000s -- the client vanishes"
        )

    def test_nothing_yet(self) -> None:
        """An empty transcript is an empty text and has no length."""
        assert str(Transcript()) == ""
        assert len(Transcript()) == 0

    @pytest.mark.parametrize(
        ("what", "words"),
        [
            ("", "(an empty text frame)"),
            ("two\nlines", r"two\nlines"),
            (b"", "0 bytes b''"),
            (Accept("chat"), "accepted, subprotocol chat"),
            (Close(4001, "bye"), "(closed by the application, code 4001 'bye')"),
            (Reject(None, 404), "(refused by the application: HTTP 404)"),
            (Return(), "(the application returned)"),
            (
                Crash(ValueError("no")),
                "(the application raised ValueError('no'))",
            ),
        ],
    )
    def test_each_kind_of_entry(self, what: Happening, words: str) -> None:
        """Each thing that can happen has words of its own, on one line."""
        assert one(what) == f"   0.000s <- {words}"

    def test_long_frame_is_cut(self) -> None:
        """A frame takes 72 columns at most, and shows that it was cut."""
        words = one("x" * 73).partition("<- ")[2]
        assert words == "x" * 69 + "..."
        assert one("x" * 72).endswith("x" * 72)


class TestLooking:
    """A transcript is a sequence of values."""

    def test_entries(self) -> None:
        """Iterating gives times, directions and the very things that happened."""
        first, second, *_ = talk()
        assert (first.at, first.direction, first.what) == (0.0, "<-", Accept())
        assert (second.at, second.direction) == (0.5, "->")
        assert str(second) == '   0.500s -> {"say": "a; b"}'

    def test_last(self) -> None:
        """The last few keep their times; asking for too many gives all."""
        assert [entry.at for entry in talk().last(2)] == [1.25, 2.0]
        assert len(list(talk().last(99))) == len(talk()) == 4

    def test_error(self) -> None:
        """What the application raised is found, wherever it stands."""
        transcript, error = talk(), ValueError("no")
        assert transcript.error is None
        transcript.received(13.0, Crash(error))
        transcript.remark(14.0, "too late")
        assert transcript.error is error

    def test_unread(self) -> None:
        """It sees what waits in the queues it was told of, the last of them first."""
        transcript, looked_at, inbox = talk(), deque(["a"]), deque[str | bytes]()
        transcript.unread_in(inbox)
        transcript.unread_in(looked_at)
        inbox.append(b"b")
        assert transcript.unread == ["a", b"b"]
        looked_at.clear()
        assert transcript.unread == [b"b"]


class TestKeeping:
    """The pytest plugin wants transcripts that outlive their communicators."""

    @pytest.fixture(autouse=True)
    def keep_none_from_elsewhere(self) -> None:
        forget()

    def test_kept_when_asked(self) -> None:
        """Under the setting they are kept in the order they were made."""
        with settings.override(keep_transcripts=True):
            made = [Transcript("b"), Transcript("a")]
        assert recorded() == made

    def test_not_kept_by_default(self) -> None:
        """Without the setting nothing stays alive."""
        with settings.override(keep_transcripts=False):
            Transcript()
        assert recorded() == []

    def test_forgotten(self) -> None:
        """All are let go of at once."""
        with settings.override(keep_transcripts=True):
            Transcript()
        forget()
        assert recorded() == []

    def test_only_the_newest(self) -> None:
        """Twenty are kept, so that a test may open any number."""
        with settings.override(keep_transcripts=True):
            made = [Transcript(str(number)) for number in range(25)]
        assert recorded() == made[-20:]


class TestMermaid:
    """`to_mermaid()`: a sequence diagram."""

    def test_whole_diagram(self) -> None:
        """What has a meaning to Mermaid is escaped, remarks are notes."""
        assert talk().to_mermaid() == (
            "sequenceDiagram\n"
            "    participant C as alice\n"
            "    participant A as application\n"
            "    A-->>C: accepted\n"
            '    C->>A: {"say"#58; "a#59; b"}\n'
            "    A-->>C: 2 bytes b'\\x00\\xff'\n"
            "    Note over C,A: the client vanishes\n"
        )

    def test_name_is_escaped(self) -> None:
        """A name cannot break the diagram."""
        assert "as a#35;1#58;b\n" in Transcript("a#1:b").to_mermaid()


class Page(HTMLParser):
    """Rows of the table, and whatever the page would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


class TestHtml:
    """`to_html()`: a page of its own."""

    def test_rows(self) -> None:
        """Each entry is a row: time, arrow, and JSON laid out to be read."""
        rows = [[cell.strip() for cell in row] for row in Page(talk().to_html()).rows]
        assert rows == [
            ["0.000 s", "←", "accepted"],
            ["0.500 s", "→", '{\n  "say": "a; b"\n}'],
            ["1.250 s", "←", "2 bytes b'\\x00\\xff'"],
            ["2.000 s", "", "the client vanishes"],
        ]

    def test_nothing_is_injected(self) -> None:
        """Frames and names are text, whatever they look like."""
        transcript = Transcript("<script>")
        transcript.received(0, "<script src=x>{}</script>")
        transcript.received(0, "{not json")
        page = Page(transcript.to_html())
        assert "script" not in page.tags
        assert [row[2].strip() for row in page.rows] == [
            "<script src=x>{}</script>",
            "{not json",
        ]

    def test_needs_nothing_else(self) -> None:
        """The page loads nothing."""
        assert Page(talk().to_html()).links == []
