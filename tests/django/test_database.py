"""Rows are seen by everybody in a test, and are gone after it."""

import threading
from contextlib import suppress
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.db import transaction
from project.models import Entry, Note

from wstest_core import ApplicationCrashed
from wstest_django import WebsocketTestCase, WebsocketTransactionTestCase

KINDS = ("orm", "sync", "databasesynctoasync", "anythread")


class _Rows:
    databases: ClassVar = {"default", "logs"}

    async def _writes_and_sees(self: Any, kind: str, expected: list[str]) -> None:
        async with self.create_communicator(ws_path=f"/ws/{kind}/") as ws:
            await ws.send_json({"write": "by the consumer"})
            answer = await ws.receive_json()
        assert answer["notes"] == [*expected, "by the consumer"]
        assert answer["entries"] == [*expected, "by the consumer"]
        assert await Note.objects.acount() == len(expected) + 1
        texts = await sync_to_async(lambda: [e.text for e in Entry.objects.all()])()
        assert sorted(texts) == sorted([*expected, "by the consumer"])


class RollbackTests(_Rows, WebsocketTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        Note.objects.create(text="of the class")
        Entry.objects.create(text="of the class")

    def setUp(self) -> None:
        super().setUp()
        assert Note.objects.count() == 1
        Note.objects.create(text="of setUp")
        Entry.objects.create(text="of setUp")

    async def asyncSetUp(self) -> None:
        await Note.objects.acreate(text="of asyncSetUp")
        await Entry.objects.acreate(text="of asyncSetUp")

    expected: ClassVar = ["of the class", "of setUp", "of asyncSetUp"]

    async def test_orm(self) -> None:
        """The ORM's coroutines in a consumer share the test's rows."""
        await self._writes_and_sees("orm", self.expected)

    async def test_orm_again(self) -> None:
        """What the consumer has written before is gone."""
        await self._writes_and_sees("orm", self.expected)

    async def test_sync(self) -> None:
        """So does a sync consumer."""
        await self._writes_and_sees("sync", self.expected)

    async def test_database_sync_to_async(self) -> None:
        """So does database_sync_to_async."""
        await self._writes_and_sees("databasesynctoasync", self.expected)

    async def test_any_thread(self) -> None:
        """So does sync code in any thread of a pool."""
        await self._writes_and_sees("anythread", self.expected)

    async def test_any_thread_again(self) -> None:
        """Also what was written in another thread is gone."""
        await self._writes_and_sees("anythread", self.expected)

    async def test_closed_connections(self) -> None:
        """Code that closes its connection does not end the test's transaction."""
        async with self.create_communicator(ws_path="/ws/closing/") as ws:
            await ws.send_json({})
            assert (await ws.receive_json())["notes"] == self.expected

    async def test_after_closed_connections(self) -> None:
        """Nor that of the next test."""
        await self._writes_and_sees("sync", self.expected)

    async def test_async_in_sync_in_async(self) -> None:
        """Sync and async code may call each other at will."""
        async with self.create_communicator(ws_path="/ws/translating/") as ws:
            await ws.send_text("there and back")
            assert await ws.receive_text() == "there and back"
        assert await Note.objects.filter(text="there and back").aexists()


class SyncTests(WebsocketTestCase):
    databases: ClassVar = {"default", "logs"}

    def test_plain(self) -> None:
        """A plain test and each kind of consumer share the rows, too."""
        Note.objects.create(text="of the test")
        Entry.objects.create(text="of the test")
        expected = ["of the test"]
        for kind in KINDS:
            with self.create_sync_communicator(ws_path=f"/ws/{kind}/") as ws:
                ws.send_json({"write": kind})
                expected.append(kind)
                assert ws.receive_json()["notes"] == expected
                assert [note.text for note in Note.objects.order_by("pk")] == expected

    def test_plain_again(self) -> None:
        """And they are gone."""
        assert not Note.objects.exists()
        assert not Entry.objects.exists()


class TurnsTests(WebsocketTestCase):
    databases: ClassVar = {"default", "logs"}

    def test_statement_waits_for_the_block_of_another_thread(self) -> None:
        """It does not become part of that block, which may be rolled back."""
        inside, may_leave = threading.Event(), threading.Event()

        def write_and_undo() -> None:
            with suppress(LookupError), transaction.atomic():
                Note.objects.create(text="undone")
                inside.set()
                may_leave.wait()
                raise LookupError

        writer = threading.Thread(target=write_and_undo)
        writer.start()
        inside.wait()
        threading.Timer(0.02, may_leave.set).start()
        Note.objects.create(text="kept")
        writer.join()
        assert [note.text for note in Note.objects.all()] == ["kept"]

    def test_threads_that_wait_for_each_other(self) -> None:
        """It is one error that says what to do, and the test goes on."""
        with self.assertRaises(ApplicationCrashed) as caught, transaction.atomic():
            Note.objects.create(text="of the test")
            with self.create_sync_communicator(ws_path="/ws/sync/") as ws:
                ws.send_json({"write": "of the consumer"})
                ws.receive_json()
        text = "Use WebsocketTransactionTestCase, where each thread has its own."
        assert text in str(caught.exception)
        assert not Note.objects.exists()


class FlushTests(_Rows, WebsocketTransactionTestCase):
    async def test_orm(self) -> None:
        """In a flushing test case the rows are shared likewise."""
        await self._writes_and_sees("orm", [])

    async def test_sync(self) -> None:
        """And they are gone."""
        await self._writes_and_sees("sync", [])

    async def test_database_sync_to_async(self) -> None:
        """Whoever has written them."""
        await self._writes_and_sees("databasesynctoasync", [])

    async def test_any_thread(self) -> None:
        """Also with connections of its own for each thread."""
        await self._writes_and_sees("anythread", [])

    def test_plain(self) -> None:
        """Also in a plain test."""
        with self.create_sync_communicator(ws_path="/ws/sync/") as ws:
            ws.send_json({"write": "once"})
            assert ws.receive_json()["notes"] == ["once"]
            assert Note.objects.count() == 1


class _Hooks:
    async def _events(self: Any, how: str) -> list[str]:
        async with self.create_communicator(ws_path="/ws/committing/") as ws:
            await ws.send_json({"how": how})
            events: list[str] = await ws.receive_json()
            return events

    async def test_hook_runs_after_the_outermost_block(self) -> None:
        """Not before: an inner block may still be undone."""
        assert await self._events("in blocks") == ["inner block left", "hook"]

    async def test_hook_runs_at_once_without_a_block(self) -> None:
        """As in production, where that commits by itself."""
        assert await self._events("without a block") == ["hook", "end"]

    async def test_hook_of_what_is_rolled_back_never_runs(self) -> None:
        """Also not later."""
        assert await self._events("rolled back") == ["inner block left", "rolled back"]

    async def test_signals_reach_a_group(self: Any) -> None:
        """A model that broadcasts on commit is heard by those who listen."""
        async with self.create_communicator(ws_path="/ws/notes/") as ws:
            note = await Note.objects.acreate(text="milk")
            note.text = "oat milk"
            await note.asave()
            await note.adelete()
            assert await ws.receive_all_json() == [
                ["created", "milk"],
                ["updated", "oat milk"],
                ["deleted", "oat milk"],
            ]


class RollbackHookTests(_Hooks, WebsocketTestCase):
    def test_hook_that_fails(self) -> None:
        """Its error is seen where the block ends, as in production."""

        def fail() -> None:
            raise LookupError("from the hook")

        raises = self.assertRaisesMessage(LookupError, "from the hook")
        with raises, transaction.atomic():
            transaction.on_commit(fail)
        assert not Note.objects.exists()  # the transaction goes on

    def test_robust_hook_that_fails(self) -> None:
        """It is logged, and the next one runs."""
        ran: list[str] = []

        def fail() -> None:
            raise LookupError("from the hook")

        with self.assertLogs("wstest_django", "ERROR"), transaction.atomic():
            transaction.on_commit(fail, robust=True)
            transaction.on_commit(lambda: ran.append("next"))
        assert ran == ["next"]

    def test_captured_hooks(self) -> None:
        """`captureOnCommitCallbacks` finds the hooks, and decides about them."""
        ran: list[str] = []
        with self.captureOnCommitCallbacks() as hooks:
            transaction.on_commit(lambda: ran.append("hook"))
        assert (len(hooks), ran) == (1, [])
        with self.captureOnCommitCallbacks(execute=True) as hooks:
            transaction.on_commit(lambda: ran.append("hook"))
            assert ran == []
        assert (len(hooks), ran) == (1, ["hook"])


class ClassRowsTests(WebsocketTestCase):
    ws_path = "/ws/notes/"

    @classmethod
    def setUpTestData(cls) -> None:
        Note.objects.create(text="of the class")

    async def test_hooks_of_the_class_s_rows(self) -> None:
        """They belong to no test, and reach none."""
        async with self.create_communicator() as ws:
            await Note.objects.acreate(text="of the test")
            assert await ws.receive_all_json() == [["created", "of the test"]]

    test_hooks_of_the_class_s_rows_again = test_hooks_of_the_class_s_rows


class FlushHookTests(_Hooks, WebsocketTransactionTestCase):
    """The same where transactions are real."""
