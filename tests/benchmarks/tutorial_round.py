"""One round of the tutorial's tests, in a process of its own.

    python -P tests/benchmarks/tutorial_round.py chanx postgresql://…

Run as a script, where `tests` is the package of docs/examples/django_tutorial/. What is
given is a contender and a PostgreSQL's address, or `memory:` for SQLite. Prints two
figures: seconds in all, and seconds that Celery's tasks slept. Only what a user waits
for is measured, not the start of Django nor the making of the test database.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from time import perf_counter, sleep
from typing import Any, TypeAlias
from unittest import TestCase, TestSuite, defaultTestLoader
from urllib.parse import urlsplit

Communicator: TypeAlias = Any
Json: TypeAlias = Any
Case: TypeAlias = type[TestCase]

TESTS = 16
PATIENCE = 20  # seconds


def configure(contender: str, database: str) -> None:
    """Set the example up, with chanx's consumers or plain ones."""
    import django
    from config import settings

    url = urlsplit(database)
    if url.scheme == "postgresql":
        place = {"USER": url.username, "HOST": url.hostname, "PORT": url.port}
        engine = "django.db.backends.postgresql"
        settings.DATABASES["default"] = {"ENGINE": engine, "NAME": "rounds", **place}
    settings.SOCKETS = CONTENDERS[contender][0]
    django.setup()


def plain() -> Sequence[Case]:
    """The tests as they are."""
    from tests import test_assistant, test_chat, test_system

    return (
        test_chat.ChatTests,
        test_assistant.AssistantTests,
        test_system.SystemTests,
    )


def on_chanx() -> Sequence[Case]:
    """The example's second variant."""
    from tests import test_on_chanx

    return (
        test_on_chanx.ChatOnChanxTests,
        test_on_chanx.AssistantOnChanxTests,
        test_on_chanx.SystemOnChanxTests,
    )


def on_chanx_by_chanx() -> Sequence[Case]:
    """The same methods, in chanx's own test case."""
    from chanx.channels.testing import WebsocketCommunicator
    from sockets_chanx import assistant, chat, system

    make_patient(WebsocketCommunicator)
    consumers = (
        chat.ChatConsumer,
        assistant.AssistantConsumer,
        system.SystemConsumer,
    )
    return [_moved(*pair) for pair in zip(plain(), consumers, strict=True)]


def make_patient(communicator: Communicator) -> None:
    """Let a busy machine take its time: a wait that ends well is no longer for it."""
    receive = communicator.receive_output

    async def receive_output(self: Communicator, timeout: float = 1) -> Json:
        return await receive(self, max(timeout, PATIENCE))

    communicator.receive_output = receive_output


def _moved(case: Case, consumer: object) -> Case:
    from chanx.channels.testing import WebsocketTestCase
    from sockets_chanx.routing import router
    from tests.cases import TutorialTestCase

    attributes = {"consumer": consumer, "router": router}
    theirs = type("Theirs", (_InTheirWay, WebsocketTestCase), attributes)
    bases = [theirs if base is TutorialTestCase else base for base in case.__bases__]
    own = {name: value for name, value in vars(case).items() if name[:2] != "__"}
    return type(case.__name__, tuple(bases), own)


class _InTheirWay:
    """What the tests share, for users of chanx."""

    async def connected(self: Any, path: str) -> Communicator:
        ws = self.create_communicator(ws_path=path)
        connected, _ = await ws.connect()
        assert connected
        # It is back before the consumer has joined its groups: go round once.
        await ws.send_json_to({"action": "ping"})
        assert (await ws.receive_json_from())["action"] == "pong"
        return ws

    async def collected(self, ws: Communicator, stop_action: str) -> Json:
        return [
            each.model_dump() for each in await ws.receive_all_messages(stop_action)
        ]


CONTENDERS: dict[str, tuple[str, Callable[[], Sequence[Case]]]] = {
    "wstest_django, plain": ("sockets", plain),
    "wstest_django": ("sockets_chanx", on_chanx),
    "chanx": ("sockets_chanx", on_chanx_by_chanx),
}


def figures(contender: str) -> tuple[float, float]:
    """Run the tests by Django's runner; return what they took, and slept."""
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(verbosity=0, interactive=False)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    try:
        cases = CONTENDERS[contender][1]()
        suite = TestSuite(map(defaultTestLoader.loadTestsFromTestCase, cases))
        slept = _slept()
        gc.collect()
        start = perf_counter()
        result = runner.run_suite(suite)
        seconds = perf_counter() - start
    finally:
        runner.teardown_databases(databases)
    for test, trace in (*result.failures, *result.errors):
        raise RuntimeError(f"{test.id()}: {trace.strip().splitlines()[-1]}")
    if result.testsRun != TESTS:
        raise RuntimeError(f"{result.testsRun} tests were run, not {TESTS}")
    return seconds, sum(slept)


def _slept() -> list[float]:
    """Take note from now on of how long tasks sleep."""
    from jobs import work

    slept: list[float] = []

    def measured(seconds: float) -> None:
        start = perf_counter()
        sleep(seconds)
        slept.append(perf_counter() - start)

    work.sleep = measured
    return slept


if __name__ == "__main__":
    configure(*sys.argv[1:])
    print(*figures(sys.argv[1]))
