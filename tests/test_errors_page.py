"""The page on errors has a section for each failure, and shows what is real."""

import ast
import asyncio
import re
import socket
import threading
import tomllib
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import pytest

import wstest_core
import wstest_django
import wstest_fastapi
from tests.core.scripted import ACCEPT, App, Receive, Scope, Send, refuses_with, says
from tests.services import require_package
from tests.source import MODULES, SOURCE
from wstest_core import BaseMessage, WebsocketCommunicator, on_action
from wstest_core._version import DOCUMENTATION
from wstest_core.errors import WebSocketTestError, address
from wstest_core.lifespan import Lifespan

ROOT = SOURCE.parent
PAGE = (ROOT / "docs" / "errors.md").read_text()
CODE = re.compile(r"^```.*?^```$", re.M | re.S)
HEADINGS = re.findall(r"^##+ (.*)$", CODE.sub("", PAGE), re.M)
PUBLIC = {*wstest_core.__all__, *wstest_django.__all__, *wstest_fastapi.__all__}


def slug(heading: str) -> str:
    """The anchor that Sphinx makes of plain words; MyST makes the same."""
    return heading.lower().replace(" ", "-")


def derived(*bases: str) -> set[str]:
    """The classes of all packages that are derived from these, by their source."""
    nodes = [node for text in MODULES.values() for node in ast.walk(ast.parse(text))]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    found = set(bases)
    for _ in classes:
        found |= {each.name for each in classes if found & names(each.bases)}
    return found


def names(bases: list[ast.expr]) -> set[str]:
    return set(map(ast.unparse, bases))


FAILURES = sorted(derived("WebSocketTestError", "UserWarning") - {"UserWarning"})


class TestAnchors:
    """Where addresses lead."""

    def test_classes_of_all_packages_are_found(self) -> None:
        """Failures and warnings, and all of them are public."""
        some = {"ConnectionClosed", "LeakedTaskWarning", "UnfinishedClientWarning"}
        assert some <= set(FAILURES) <= PUBLIC

    @pytest.mark.parametrize("name", FAILURES)
    def test_each_has_its_section(self, name: str) -> None:
        """The address of a class is that of a heading with its name."""
        assert name in HEADINGS
        kind = type(name, (Exception,), {})
        assert address(kind) == f"{DOCUMENTATION}errors.html#{slug(name)}"

    def test_headings_are_plain_words(self) -> None:
        """So all ways to make an anchor of one agree; and none is there twice."""
        assert all(re.fullmatch(r"[A-Za-z]+( [A-Za-z]+)*", each) for each in HEADINGS)
        assert len({slug(heading) for heading in HEADINGS}) == len(HEADINGS)

    def test_table_leads_to_all_of_them(self) -> None:
        """One can find a section by the first line of a failure, and it exists."""
        table, _, _ = PAGE.partition("\n## ")
        leads = set(re.findall(r"\]\(#([\w-]+)\)", table))
        assert {slug(name) for name in FAILURES} - leads == {"nomessage"}
        assert leads <= {slug(heading) for heading in HEADINGS}

    def test_address_is_that_of_the_project(self) -> None:
        """The documentation is in one place, for its failures and its package."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert project["urls"]["Documentation"] == DOCUMENTATION
        homes = [name for name, text in MODULES.items() if DOCUMENTATION in text]
        assert homes == ["wstest_core._version"]


# Why there was no proof, as it stands in the source.
REASONS = [
    "is alive,",
    "a job of a thread pool is not finished",
    "a worker thread is busy",
    "another thread has just been at work",
    "in this Python threads run at the same time",
    "this Python does not show its threads",
    "a socket is",
    "in use",
    "a task may be waiting for a socket",
    "a task waits for a socket or a pipe",
    "for a channel layer on the network, where no proof is available",
    "may wake what waits",
    "its protocol is unknown",
    "open, and no task waits for one",
    "the event loop listens to signals",
    "the process listens to",
    "the event loop does not show its sockets",
    "trio does not show its sockets on this platform",
    "does not show what it waits for",
    "the event loop did not come to rest",
    "the application did not come to rest",
    "a server on the network does not show what it is doing",
]


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_explained(reason: str) -> None:
    """What stands in the way of a proof is told on the page in the same words."""
    assert any(reason in source for source in MODULES.values())
    assert reason in " ".join(PAGE.split())


# --- examples

Communicator: TypeAlias = WebsocketCommunicator[Any]
Verb: TypeAlias = Callable[[Communicator], Awaitable[object]]


class Token(BaseMessage):
    action: Literal["token"] = "token"
    payload: Any = None


def when_told(do: Callable[[Send], Awaitable[None]]) -> App:
    """Does something as soon as it is sent a frame."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await do(send)
        await receive()

    return app


async def sleeps(send: Send) -> None:
    await asyncio.sleep(3600)


async def close_later() -> None:
    await asyncio.sleep(30)


async def is_asked_beside_a_timer() -> str:
    task = asyncio.create_task(close_later())
    await asyncio.sleep(0)
    try:
        return await fails(says(), asks)
    finally:
        task.cancel()


async def closes(send: Send) -> None:
    await send({"type": "websocket.close", "code": 4000, "reason": "enough"})


async def crashes(send: Send) -> None:
    raise KeyError("room")


async def lingers(scope: Scope, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    while True:
        await receive()


async def says_startup_failed(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
    await receive()


async def asks(ws: Communicator) -> None:
    await ws.send_json({"say": "hello"})
    await ws.receive_json()


async def does_nothing(ws: Communicator) -> None:
    return


async def fails(app: App, verb: Verb, **options: Any) -> str:
    """Return what a test that does this is told."""
    with pytest.raises(WebSocketTestError) as failure:
        async with WebsocketCommunicator(app, "/", name="ann", **options) as ws:
            await verb(ws)
    return str(failure.value)


async def presumes() -> str:
    ours, theirs = socket.socketpair()
    with theirs:
        _, writer = await asyncio.open_connection(sock=ours)
        try:
            return await fails(says(), asks)
        finally:
            writer.close()
            await writer.wait_closed()


async def has_a_thread() -> str:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="metrics")
    thread.start()
    try:
        return await fails(says(), asks, timeout=0.01)
    finally:
        end.set()
        thread.join()


async def breaks_asgi() -> str:
    app = when_told(lambda send: send(ACCEPT))
    with pytest.raises(WebSocketTestError) as failure:
        async with WebsocketCommunicator(app, "/") as ws:
            await asks(ws)
    return str(failure.value.__cause__)


async def does_not_start() -> str:
    with pytest.raises(WebSocketTestError) as failure:
        async with Lifespan(says_startup_failed):
            pytest.fail("it started")
    return str(failure.value)


async def is_stopped() -> str:
    with pytest.warns() as caught:
        async with WebsocketCommunicator(lingers, "/", name="ann"):
            pass
    return str(caught[0].message)


async def chooses_freely() -> str:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({**ACCEPT, "subprotocol": "chat.v2"})
        await receive()

    with pytest.warns() as caught:
        async with WebsocketCommunicator(app, "/", subprotocols=["v1"], name="ann"):
            pass
    return str(caught[0].message)


async def is_left_open() -> str:
    require_package("fastapi")
    from wstest_fastapi import AppClient

    with pytest.warns() as caught:
        async with AppClient(says()) as client:
            await client.websocket("/", name="ann").connect()
    return str(caught[0].message)


COMPLETE = '{"action":"complete"}'
ANSWER = '{"action":"token"}'
NUMBER = '{"action":"token","payload":1}'
EXAMPLES: list[tuple[str, Callable[[], Awaitable[str]]]] = [
    ("Nothing more can arrive", lambda: fails(says(), asks)),
    (
        "Nothing more can arrive",
        lambda: fails(says(ANSWER), lambda ws: ws.receive_until(on_action("complete"))),
    ),
    (
        "Nothing more can arrive",
        lambda: fails(says(COMPLETE), lambda ws: ws.receive_message()),
    ),
    ("Nothing can arrive for a while", lambda: fails(when_told(sleeps), asks)),
    ("Nothing can arrive for a while", is_asked_beside_a_timer),
    ("Nothing more is expected", presumes),
    ("Not provable sooner", has_a_thread),
    ("ConnectionClosed", lambda: fails(when_told(closes), asks)),
    ("ConnectionRejected", lambda: fails(refuses_with(4401), does_nothing)),
    ("ApplicationCrashed", lambda: fails(when_told(crashes), asks)),
    (
        "UnexpectedMessage",
        lambda: fails(
            says(NUMBER), lambda ws: ws.expect(Token, payload=2), messages=Token
        ),
    ),
    (
        "UnreadMessages",
        lambda: fails(
            says('{"text":"hello"}', '{"text":"bye"}'), does_nothing, unread="error"
        ),
    ),
    ("UndecodableFrame", lambda: fails(says("hello"), lambda ws: ws.receive_json())),
    ("IllegalAsgiEvent", breaks_asgi),
    ("WebSocketTestError", does_not_start),
    ("LingeringApplicationWarning", is_stopped),
    ("UnofferedSubprotocolWarning", chooses_freely),
    ("UnfinishedClientWarning", is_left_open),
]


@pytest.mark.parametrize(("heading", "example"), EXAMPLES)
def test_example_is_real(heading: str, example: Callable[[], Awaitable[str]]) -> None:
    """The text that a section shows is what such a test is told."""

    async def run() -> str:
        return await example()

    text, _, _ = asyncio.run(run()).partition(f"\n{DOCUMENTATION}")
    _, _, rest = PAGE.partition(f"# {heading}\n")
    section, _, _ = rest.partition("\n## ")
    assert normal(f"```text\n{text}\n```") in normal(section)


def normal(text: str) -> str:
    """Without what differs from run to run and from machine to machine."""
    text = re.sub(r"\d\.\d{3}s", "0.000s", text)
    text = re.sub(r"another [\d,.]+ s", "another 0 s", text)
    text = re.sub(r"within [\d.]+ s", "within 0 s", text)
    text = re.sub(r"in \w+\(\)\s+at\s+\S+?\.py:\d+", "in f() at f.py:0", text)
    return re.sub(r"\s+", " ", text)  # long lines are wrapped on the page
