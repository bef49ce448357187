"""Nothing of one test, or of one thread, gets into another."""

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from asgiref.sync import async_to_sync
from channels.consumer import AsyncConsumer
from channels.layers import get_channel_layer
from django.db import connections, transaction
from django.db.transaction import Atomic
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from project.models import Entry

from wstest_core import settings
from wstest_django import WebsocketTestCase, contents, fresh_layers, one_database
from wstest_django._visit import Visit

LOGS = "logs"
_Outcome = list[Any]


def begun(main: Callable[[], Any], outcome: _Outcome) -> threading.Thread:
    """Run something in a thread of its own; its result or error is the outcome."""

    def run() -> None:
        try:
            outcome.append(main())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def elsewhere(main: Callable[[], Any]) -> Any:
    """What something returns, or raises, in another thread."""
    outcome: _Outcome = []
    begun(main, outcome).join()
    return outcome[0]


def count() -> int:
    return Entry.objects.count()


class _Block:
    """An atomic block that another thread is in, until it is told to leave."""

    def __init__(self, error: type[Exception] | None = None) -> None:
        self._error = error
        self._inside, self.may_leave = threading.Event(), threading.Event()
        self.outcome: _Outcome = []
        self.thread = begun(self._run, self.outcome)
        self._inside.wait()

    def _run(self) -> None:
        with transaction.atomic(using=LOGS):
            Entry.objects.create(text="of the block")
            self._inside.set()
            self.may_leave.wait()
            if self._error is not None:
                raise self._error

    def leave(self) -> None:
        self.may_leave.set()
        self.thread.join()


class CaptureTests(WebsocketTestCase):
    databases: ClassVar = {"default", LOGS}

    def setUp(self) -> None:
        super().setUp()
        self.ran: list[str] = []

    def hook(self, name: str, using: str = LOGS) -> None:
        transaction.on_commit(lambda: self.ran.append(name), using=using)

    def test_captured_hooks_are_not_run_later(self) -> None:
        """Neither those that were run by the capture, nor those that were not."""
        with self.captureOnCommitCallbacks(using=LOGS, execute=True):
            self.hook("run")
        with self.captureOnCommitCallbacks(using=LOGS):
            self.hook("left")
        self.hook("later")
        with transaction.atomic(using=LOGS):
            self.hook("in a block")
        assert self.ran == ["run", "later", "in a block"]

    def test_hooks_of_another_database(self) -> None:
        """They are not captured, so they run."""
        with self.captureOnCommitCallbacks(using=LOGS) as hooks:
            self.hook("other", using="default")
        assert (hooks, self.ran) == ([], ["other"])

    def test_error_within_a_capture(self) -> None:
        """The hooks are captured, and later ones run."""
        with suppress(LookupError), self.captureOnCommitCallbacks(using=LOGS):
            self.hook("captured")
            raise LookupError
        self.hook("later")
        assert self.ran == ["later"]

    def test_nested_captures(self) -> None:
        """The outer one has the hooks of the inner one too, as in Django."""
        with self.captureOnCommitCallbacks(using=LOGS) as outer:
            self.hook("outer")
            with self.captureOnCommitCallbacks(using=LOGS) as inner:
                self.hook("inner")
            self.hook("outer")
        assert (len(outer), len(inner), self.ran) == (3, 1, [])


class HookTests(WebsocketTestCase):
    databases: ClassVar = {"default", LOGS}

    def test_hook_while_another_thread_is_in_a_block(self) -> None:
        """It does not become part of that block, which is rolled back."""
        ran: list[threading.Thread] = []
        block = _Block(LookupError)
        threading.Timer(0.02, block.may_leave.set).start()
        transaction.on_commit(
            lambda: ran.append(threading.current_thread()), using=LOGS
        )
        block.leave()
        assert ran == [threading.current_thread()]

    def test_hook_that_waits_for_another_thread(self) -> None:
        """The block has ended before it runs, so the other may use the database."""
        seen: list[Any] = []
        with transaction.atomic(using=LOGS):
            Entry.objects.create(text="committed")
            transaction.on_commit(lambda: seen.append(elsewhere(count)), using=LOGS)
        assert seen == [1]

    def test_hooks_within_hooks(self) -> None:
        """Each runs where production would run it."""
        ran: list[str] = []

        def first() -> None:
            transaction.on_commit(lambda: ran.append("at once"), using=LOGS)
            with transaction.atomic(using=LOGS):
                transaction.on_commit(lambda: ran.append("after it"), using=LOGS)
                ran.append("in the block")

        with transaction.atomic(using=LOGS):
            transaction.on_commit(first, using=LOGS)
            transaction.on_commit(lambda: ran.append("second"), using=LOGS)
        assert ran == ["at once", "in the block", "after it", "second"]


class ThreadTests(WebsocketTestCase):
    databases: ClassVar = {"default", LOGS}

    def test_threads_in_a_row(self) -> None:
        """To wait long for many short blocks is no deadlock."""

        def write() -> None:
            with transaction.atomic(using=LOGS):
                Entry.objects.create(text="row")
                threading.Event().wait(0.1)  # work

        outcomes: _Outcome = []
        for thread in [begun(write, outcomes) for _ in range(8)]:
            thread.join()
        assert outcomes == [None] * 8
        assert count() == 8

    def test_endless_timeout(self) -> None:
        """Who waits for ever may wait for a turn for ever."""
        with settings.override(timeout=float("inf")):
            assert count() == 0

    def test_forgotten_connection(self) -> None:
        """To forget a connection is to close it: the test's own stays."""
        Entry.objects.create(text="row")
        del connections[LOGS]
        assert count() == 1
        assert elsewhere(count) == 1


class LeftOpenTests(TestCase):
    databases: ClassVar = {LOGS}

    def test_block_that_outlives_the_test(self) -> None:
        """It is an error that says so, its rows are gone, and the next test is safe."""
        raises = self.assertRaisesMessage(
            RuntimeError,
            "the test has ended, and an atomic block on the database 'logs' has not: "
            "it was rolled back. Let threads end before the test does.",
        )
        brief = settings.override(timeout=0.1)
        with raises, brief, transaction.atomic(using=LOGS), one_database():
            block = _Block()
        assert not Entry.objects.exists()
        with one_database():
            Entry.objects.create(text="of the next test")
            block.leave()
            with transaction.atomic(using=LOGS):
                assert count() == 1
        text = "this atomic block was rolled back at the end of its test"
        assert [str(each) for each in block.outcome] == [text]

    def test_block_that_is_about_to_end(self) -> None:
        """The end of the test waits for it, and its hooks run."""
        with one_database():
            block = _Block()
            threading.Timer(0.02, block.may_leave.set).start()
        block.leave()
        assert block.outcome == [None]
        assert count() == 1

    def test_all_is_put_back(self) -> None:
        """Whatever happened within."""
        before = self._state()
        with suppress(LookupError), one_database(), one_database():
            assert self._state() != before
            raise LookupError
        assert self._state() == before

    def _state(self) -> list[object]:
        connection = connections[LOGS]
        return [
            *(vars(connections)["_connections"], *vars(Atomic).values()),
            *(vars(TestCase)["captureOnCommitCallbacks"], set(vars(connection))),
            *(len(connection.execute_wrappers), connection.allow_thread_sharing),
        ]

    async def test_in_an_event_loop(self) -> None:
        """There the test's transaction is not seen: an error says so."""
        assert asyncio.get_running_loop().is_running()
        with (
            self.assertRaisesMessage(RuntimeError, "enter it in setUp"),
            one_database(),
        ):
            self.fail("it was entered")


class KeptLayerTests(SimpleTestCase):
    def test_layer_kept_from_an_earlier_test(self) -> None:
        """It reaches this test's layer: consumers may be imported in a test."""
        with fresh_layers():
            kept: Any = get_channel_layer()
        with fresh_layers() as fresh:
            async_to_sync(kept.send)("channel", {"type": "sent"})
            assert fresh["default"].contents() == {"channel": [{"type": "sent"}]}
        assert contents(kept) == {}

    def test_layer_kept_from_before_other_settings(self) -> None:
        """So does one that Channels has forgotten."""
        kept: Any = get_channel_layer()
        with fresh_layers():
            pass
        memory = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
        changed = self.settings(CHANNEL_LAYERS={"default": memory})
        with changed, fresh_layers() as fresh:
            async_to_sync(kept.send)("channel", {"type": "sent"})
            assert fresh["default"].take("channel") == {"type": "sent"}


class VisitTests(SimpleTestCase):
    def test_connections_of_several_threads(self) -> None:
        """As the last of them ends, consumers are called as they were before."""
        before, outcomes = AsyncConsumer.__call__, list[Any]()
        begin = threading.Barrier(3)

        def visit() -> None:
            begin.wait()
            for _ in range(500):
                one = Visit(_nothing)({"type": "websocket"}, _nothing, _nothing)
                with suppress(StopIteration):
                    one.send(None)  # type: ignore[attr-defined]  # a coroutine

        interval = sys.getswitchinterval()
        self.addCleanup(sys.setswitchinterval, interval)
        sys.setswitchinterval(1e-6)
        for thread in [begun(visit, outcomes) for _ in range(3)]:
            thread.join()
        assert outcomes == [None] * 3
        assert AsyncConsumer.__call__ is before


async def _nothing(*_: object) -> Any:
    """What an application does that ends at once."""


class TooLateTests(TransactionTestCase):
    databases: ClassVar = {LOGS}

    def test_transaction_that_begins_later(self) -> None:
        """Another thread sees its rows, or an error says why not."""
        test: Any = transaction.atomic(using=LOGS)
        test._from_testcase = True  # as TestCase does
        with one_database(), test:
            Entry.objects.create(text="of the test")
            seen = elsewhere(count)
        if isinstance(seen, RuntimeError):
            assert "began after one_database() or ws_database" in str(seen)
        else:
            assert seen == 1


def captures_hooks(capture: Any) -> bool:
    with capture() as hooks:
        transaction.on_commit(lambda: None)
    return len(hooks) == 1


@pytest.mark.django_db
def test_capture_before_our_fixtures(
    django_capture_on_commit_callbacks: Any, ws_database: None
) -> None:
    """pytest-django's fixture captures hooks."""
    assert captures_hooks(django_capture_on_commit_callbacks)


@pytest.mark.django_db
def test_capture_after_our_fixtures(
    ws_database: None, django_capture_on_commit_callbacks: Any
) -> None:
    """In whichever order the fixtures are asked for."""
    assert captures_hooks(django_capture_on_commit_callbacks)


class TestCaseWithinFixtures(WebsocketTestCase):
    databases: ClassVar = {"default", LOGS}

    @pytest.fixture(autouse=True)
    def _around(self, ws_database: None) -> None:
        """Our fixture is entered before the test's transaction begins."""

    def test_threads(self) -> None:
        """Threads see the rows, and hooks run once."""
        ran: list[str] = []
        Entry.objects.create(text="row")
        transaction.on_commit(lambda: ran.append("hook"), using=LOGS)
        assert elsewhere(count) == 1
        assert ran == ["hook"]
