"""What tests of django-rest-live do, with the import changed."""

import unittest
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag
from project.live import application
from project.models import Note

from wstest_django import (
    APICommunicator,
    WebsocketTestCase,
    WebsocketTransactionTestCase,
    async_test,
    force_login,
    fresh_layers,
    get_headers_for_user,
    one_database,
)

BACKEND = "django.contrib.auth.backends.ModelBackend"
SUBSCRIBE = {"type": "subscribe", "model": "project.Note"}


def broadcast(number: int, action: str, text: str) -> dict[str, Any]:
    what = {"type": "broadcast", "id": number, "model": "project.Note"}
    return {**what, "action": action, "instance": {"text": text}}


class _Layers:
    """What the library's own test cases do by themselves."""

    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]  # Django's
        self.enterContext(one_database())
        self.enterContext(fresh_layers())


class _Subscriptions:
    """The tests of django-rest-live's documentation."""

    async def asyncSetUp(self: Any) -> None:
        self.client = APICommunicator(application, "/ws/subscribe/")
        connected, _ = await self.client.connect()
        self.assertTrue(connected)

    async def asyncTearDown(self: Any) -> None:
        await self.client.disconnect()

    @async_test
    async def test_subscribe(self: Any) -> None:
        """Subscribe, hear nothing, change the database, hear of it."""
        subscribe = {**SUBSCRIBE, "id": 1337, "action": "retrieve", "lookup_by": "tea"}
        await self.client.send_json_to(subscribe)
        self.assertTrue(await self.client.receive_nothing())
        note = await database_sync_to_async(Note.objects.create)(text="tea")
        await database_sync_to_async(Note.objects.create)(text="coffee")
        response = await self.client.receive_json_from()
        self.assertEqual(response, broadcast(1337, "CREATED", "tea"))
        await database_sync_to_async(note.save)()
        response = await self.client.receive_json_from()
        self.assertEqual(response, broadcast(1337, "UPDATED", "tea"))
        await database_sync_to_async(note.delete)()
        response = await self.client.receive_json_from()
        self.assertEqual(response, broadcast(1337, "DELETED", "tea"))
        self.assertTrue(await self.client.receive_nothing())

    @async_test
    async def test_list(self: Any) -> None:
        """Several subscriptions of one connection are told apart."""
        for number in (1, 2):
            await self.client.send_json_to(
                {**SUBSCRIBE, "id": number, "action": "list"}
            )
        await self.client.settle()
        await Note.objects.acreate(text="tea")
        for number in (1, 2):
            found = await self.client.receive_json_from()
            self.assertEqual(found, broadcast(number, "CREATED", "tea"))
        await self.client.send_json_to({"type": "unsubscribe", "id": 1})
        await self.client.settle()
        await Note.objects.acreate(text="coffee")
        found = await self.client.receive_json_from()
        self.assertEqual(found, broadcast(2, "CREATED", "coffee"))
        self.assertTrue(await self.client.receive_nothing())

    @async_test
    async def test_errors(self: Any) -> None:
        """A refused subscription is answered at once."""
        wrong = {"type": "subscribe", "id": 7, "model": "no.Model", "action": "list"}
        await self.client.send_json_to(wrong)
        response = await self.client.receive_json_from()
        self.assertEqual((response["type"], response["code"]), ("error", 404))


class RollbackSubscribeTests(_Layers, _Subscriptions, TestCase):
    """On Django's test case that rolls back."""


class FlushSubscribeTests(_Layers, _Subscriptions, TransactionTestCase):
    """On Django's test case that flushes, which django-rest-live needs."""


class OurSubscribeTests(_Subscriptions, WebsocketTestCase):
    """On our own, where the decorator may stay."""


class OurFlushSubscribeTests(_Subscriptions, WebsocketTransactionTestCase):
    """Likewise."""


class _Logins:
    async def test_headers_for_a_user(self: Any) -> None:
        """Headers log a connection in; without them it is anonymous."""
        user = await database_sync_to_async(get_user_model().objects.create_user)("ann")
        headers = await get_headers_for_user(user)
        assert await self.me(headers) == {
            "user": "ann",
            "backend": BACKEND,
            "extra": None,
        }
        assert (await self.me(None))["user"] == "AnonymousUser"

    async def test_force_login(self: Any) -> None:
        """The cookies of a login, as django-rest-live puts them into a header."""
        user = await database_sync_to_async(get_user_model().objects.create_user)("bob")
        for backend in (None, BACKEND):
            cookies = await force_login(user, backend=backend)
            assert set(cookies) == {"sessionid"}
            sent = cookies.output(header="", sep="; ").encode()
            assert (await self.me([(b"cookie", sent)]))["user"] == "bob"

    async def test_extra_scope(self: Any) -> None:
        """What else is given goes into the scope."""
        assert (await self.me(None, extra={"a": 1}))["extra"] == {"a": 1}

    async def me(self, headers: Any, **extra: Any) -> Any:
        client = APICommunicator(application, "/ws/me/", headers, [], **extra)
        connected, _ = await client.connect()
        assert connected
        found = await client.receive_json_from()
        await client.disconnect()
        return found


class LoginTests(_Layers, _Logins, TestCase):
    """On Django's test case."""


class FlushLoginTests(_Layers, _Logins, TransactionTestCase):
    """On the one that flushes."""


# --- the decorator


class _Logged:
    """Says what ran. Not a test case yet, so that nobody finds it."""

    ran: list[str]

    async def asyncSetUp(self) -> None:
        self.ran.append("set up")

    async def asyncTearDown(self) -> None:
        self.ran.append("torn down")


def result_of(
    base: type[SimpleTestCase], test: Callable[[Any], Any], **others: Any
) -> tuple[unittest.TestResult, list[str]]:
    """Run a test in a test case that is made for it."""
    ran: list[str] = []
    names = {"test_it": test, "ran": ran, **others}
    case = type("Case", (_Logged, base), names)
    result = unittest.TestResult()
    unittest.TestSuite([case("test_it")]).run(result)
    return result, ran


@async_test
async def fails(self: Any) -> None:
    self.ran.append("test")
    self.fail("on purpose")


class DecoratorTests(TransactionTestCase):
    bases = (SimpleTestCase, TestCase, TransactionTestCase, WebsocketTestCase)

    def test_teardown_runs_when_the_test_fails(self) -> None:
        """And the failure is reported as it was."""
        for base in self.bases:
            with self.subTest(base=base.__name__):
                result, ran = result_of(base, fails)
                assert ran == ["set up", "test", "torn down"]
                ((_, text),) = result.failures
                assert "AssertionError: on purpose" in text
                assert not result.errors

    def test_error_in_teardown(self) -> None:
        """It is shown, and does not hide the first."""

        async def broken(self: Any) -> None:
            raise LookupError("in teardown")

        @async_test
        async def passes(self: Any) -> None:
            self.ran.append("test")

        for base in self.bases:
            with self.subTest(base=base.__name__):
                result, ran = result_of(base, passes, asyncTearDown=broken)
                ((_, text),) = result.errors
                assert "LookupError: in teardown" in text
                result, ran = result_of(base, fails, asyncTearDown=broken)
                ((_, text),) = result.failures
                assert "AssertionError: on purpose" in text
                assert "LookupError: in teardown" in text
                assert ran == ["set up", "test"]

    def test_error_in_setup(self) -> None:
        """Then the test is not run, nor the teardown, as in unittest."""

        async def broken(self: Any) -> None:
            raise LookupError("in setup")

        for base in self.bases:
            with self.subTest(base=base.__name__):
                result, ran = result_of(base, fails, asyncSetUp=broken)
                ((_, text),) = result.errors
                assert "LookupError: in setup" in text
                assert ran == []

    def test_skip_in_the_test(self) -> None:
        """It is a skip, after the teardown."""

        @async_test
        async def skips(self: Any) -> None:
            self.skipTest("not today")

        for base in self.bases:
            with self.subTest(base=base.__name__):
                result, ran = result_of(base, skips)
                assert [why for _, why in result.skipped] == ["not today"]
                assert result.wasSuccessful()
                assert ran == ["set up", "torn down"]

    def test_without_setup_and_teardown(self) -> None:
        """Neither is needed."""
        ran: list[str] = []

        class Plain(SimpleTestCase):
            @async_test
            async def test_it(self) -> None:
                ran.append("test")

        result = unittest.TestResult()
        unittest.TestSuite([Plain("test_it")]).run(result)
        assert result.wasSuccessful()
        assert ran == ["test"]


class HelperTests(WebsocketTestCase):
    set_up = 0

    async def asyncSetUp(self) -> None:
        self.set_up += 1

    @async_test
    async def _twice(self, number: int) -> int:
        return number * 2

    async def test_helper(self) -> None:
        """A helper that a test awaits returns what it returns, and sets nothing up."""
        assert await self._twice(21) == 42  # type: ignore[arg-type]  # Django's own
        assert self.set_up == 1


class MetadataTests(SimpleTestCase):
    def test_name_and_docstring(self) -> None:
        """A decorated test is called what it was called, and says what it said."""

        async def test_of_old(self: Any) -> None:
            """Proves a fact."""

        new = async_test(test_of_old)
        assert (new.__name__, new.__doc__) == ("test_of_old", "Proves a fact.")
        assert new.__module__ == __name__
        assert "test_of_old" in new.__qualname__

    def test_marks(self) -> None:
        """Marks of unittest, Django and pytest hold, above and below it."""

        @tag("slow")
        @async_test
        @pytest.mark.parametrize("unused", [1])
        @tag("live")
        async def test_marked(self: Any) -> None: ...

        assert test_marked.tags == {"slow", "live"}  # type: ignore[attr-defined]
        assert [mark.name for mark in test_marked.pytestmark] == ["parametrize"]  # type: ignore[attr-defined]

    def test_skipped_tests_do_not_run(self) -> None:
        """Whether it is skipped above the decorator or below it."""

        async def test(self: Any) -> None:
            self.ran.append("test")

        below: Any = async_test(unittest.skip("below")(test))
        above: Any = unittest.skip("above")(async_test(test))
        for decorated, why in ((below, "below"), (above, "above")):
            result, ran = result_of(SimpleTestCase, decorated)
            assert [reason for _, reason in result.skipped] == [why]
            assert ran == []
