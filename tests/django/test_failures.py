"""What a newcomer reads when the application is broken: the whole text."""

import asyncio
import inspect
import re
import threading
import unittest
import warnings
from contextlib import suppress
from typing import Any, ClassVar, Literal

from asgiref.sync import async_to_sync
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
)
from django.core.exceptions import ImproperlyConfigured
from django.test import TransactionTestCase, override_settings
from project import consumers

from wstest_core import (
    ApplicationCrashed,
    ConnectionClosed,
    ConnectionRejected,
    NoMessage,
    UnreadMessagesWarning,
    settings,
)
from wstest_core.errors import address
from wstest_core.sync import connected
from wstest_django import (
    Configuration,
    LeakedTaskWarning,
    WebsocketCommunicator,
    WebsocketTestCase,
)
from wstest_django.configuration import configuration


def text_of(error: object) -> str:
    return re.sub(r"\d\.\d{3}s", "0.000s", str(error))


def line_of(method: Any, number: int) -> int:
    return inspect.getsourcelines(method)[1] + number


class _InBackground(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **_: Any) -> None:
        self.task = asyncio.create_task(self.answer(content))

    async def answer(self, content: Any) -> None:
        raise LookupError("no answer")

    async def disconnect(self, code: int) -> None:
        with suppress(LookupError):
            await self.task


class _Leaving(AsyncWebsocketConsumer):
    """Notes that a client leaves, and in which loop."""

    async def disconnect(self, code: int) -> None:
        _Faulty.MadeByHand.left.append((code, asyncio.get_running_loop()))
        if self.scope.get("crashes"):
            raise LookupError("nobody left")


class BrokenConsumerTests(WebsocketTestCase):
    databases: ClassVar = {"default", "logs"}
    maxDiff = None

    async def _fails(self, kind: type[BaseException], consumer: str) -> str:
        with self.assertRaises(kind) as caught:
            path = f"/ws/{consumer}/"
            async with self.create_communicator(ws_path=path, name="ann") as ws:
                await ws.send_json({"x": 1})
                await ws.receive_json()
        return text_of(caught.exception)

    def _is(self, text: str, expected: str) -> None:
        self.assertEqual(text, inspect.cleandoc(expected))

    async def test_raises(self) -> None:
        """A consumer that raises."""
        for consumer in ("raising", "raisingsync"):
            text = await self._fails(ApplicationCrashed, consumer)
            self._is(
                text,
                """
                no frame for ann: the application raised LookupError("no room for {'x': 1}")

                3 entries
                   0.000s <- accepted
                   0.000s -> {"x":1}
                   0.000s <- (the application raised LookupError("no room for {'x': 1}"))

                The application raised LookupError("no room for {'x': 1}"). A test that wants this expects ApplicationCrashed, and finds it in its `error`.
                """,
            )

    async def test_hangs(self) -> None:
        """A consumer that waits for what never comes: the failure says where."""
        line = line_of(consumers.Hanging.receive_json, 1)
        self._is(
            await self._fails(NoMessage, "hanging"),
            f"""
            no frame for ann: nothing more can arrive

            2 entries
               0.000s <- accepted
               0.000s -> {{"x":1}}

            The application is waiting for an event in receive_json() at project/consumers.py:{line}.
            """,
        )

    async def test_waits_for_anything(self) -> None:
        """A consumer that has nothing to do, which no line of its own shows."""
        for path, name in (("syncecho", "SyncEcho"), ("room/a", "Room")):
            with self.assertRaises(NoMessage) as caught:
                async with self.create_communicator(f"/ws/{path}/") as ws:
                    await ws.receive_json()
            self.assertRegex(
                str(caught.exception),
                r"\n\nThe application is waiting for input.* in await_many_dispatch\(\) "
                rf"at \S+:\d+\. It is {name} that waits for what comes next\.$",
            )

    async def test_background_task(self) -> None:
        """A consumer whose task has died: the failure names the task's error."""
        with self.assertRaises(NoMessage) as caught:
            router = _InBackground.as_asgi()
            async with self.create_communicator(router=router, ws_path="/") as ws:
                await ws.send_json({"x": 1})
                await ws.receive_json()
        line = line_of(_InBackground.answer, 1)
        self.assertRegex(
            str(caught.exception),
            r"The application is waiting for input .*\. Something has failed, and "
            r"nobody has taken its error: LookupError\('no answer'\) in answer\(\) at "
            rf"test_failures\.py:{line}\. It is _InBackground that waits for ",
        )

    async def test_closes(self) -> None:
        """A consumer that closes instead of answering."""
        text = await self._fails(ConnectionClosed, "closingearly")
        self._is(
            text.partition("\n\nThe application")[0],
            """
            no frame for ann: closed by the application, code 4008 'too much'

            3 entries
               0.000s <- accepted
               0.000s -> {"x":1}
               0.000s <- (closed by the application, code 4008 'too much')
            """,
        )

    async def test_refuses(self) -> None:
        """A consumer that does not accept: which one it was."""
        self._is(
            await self._fails(ConnectionRejected, "refusing"),
            """
            no connection for ann: refused by the application: HTTP 403, close code 4003 (a browser sees close code 1006)

            1 entry
               0.000s <- (refused by the application: HTTP 403, close code 4003)

            The application has returned. It was Refusing that refused.
            """,
        )

    async def test_accepts_after_closing(self) -> None:
        """A sync consumer that does what no server allows ends, and says so."""
        self.assertIn(
            "It sent what ASGI forbids: 'websocket.accept': after close only nothing "
            "may be sent. It was AcceptingLate that refused.",
            await self._fails(ConnectionRejected, "acceptinglate"),
        )

    async def test_no_route(self) -> None:
        """A path that no router knows: which ones there are."""
        text = await self._fails(ApplicationCrashed, "nowhere")
        self.assertIn("\"No route found for path 'ws/nowhere/'.\"", text)
        self.assertIn("There are these routes: 'ws/echo/', 'ws/syncecho/', ", text)
        self.assertIn("'ws/room/<str:room>/', 'ws/kept/<str:room>/'.", text)

    async def test_origin(self) -> None:
        """An origin that a validator refuses: which are allowed, and what to do."""
        origin = [(b"origin", b"http://evil.example")]
        with self.assertRaises(ConnectionRejected) as caught:
            async with self.create_communicator(ws_path="/ws/echo/", headers=origin):
                pass
        self._is(
            text_of(caught.exception).splitlines()[-1],
            "The application has returned. OriginValidator refuses the origin "
            "'http://evil.example'; allowed: 'localhost', 'testserver'. A browser "
            "sends the origin of its page: give the header (b'origin', b'http://…'), "
            "or extend ALLOWED_HOSTS.",
        )

    async def test_path_missing(self) -> None:
        """A test case without a path: where to set it."""
        with self.assertRaises(AttributeError) as caught:
            self.create_communicator()
        self._is(
            str(caught.exception),
            "ws_path is not set in BrokenConsumerTests: set it to the path to connect "
            'to, as in ws_path = "/ws/chat/", or give create_communicator(ws_path=…)',
        )

    async def test_application_missing(self) -> None:
        """A project whose settings name no application, or one for HTTP alone."""
        for setting, problem in [
            ("", "Cannot find ASGI_APPLICATION setting."),
            ("project.nowhere.application", "Cannot import ASGI_APPLICATION module"),
            ("project.asgi.nothing", "Cannot find 'nothing' in ASGI_APPLICATION"),
            ("project.asgi.http", "takes no WebSockets: it is Django's handler"),
        ]:
            with (
                override_settings(ASGI_APPLICATION=setting),
                self.assertRaisesMessage(ImproperlyConfigured, problem) as caught,
            ):
                self.create_communicator(ws_path="/")
            self.assertIn("a `router`", str(caught.exception))

    async def test_loop_has_ended(self) -> None:
        """A connection that was made in another event loop: what became of it."""
        ws = self.create_communicator(ws_path="/ws/echo/", name="ann")
        elsewhere = threading.Thread(target=lambda: asyncio.run(ws.connect()))
        elsewhere.start()
        elsewhere.join()
        with self.assertRaises(ApplicationCrashed) as caught:
            await ws.send_json(1)
        self.assertIn(
            "was cancelled, by itself or because the event loop that it was connected "
            "in has ended.",
            str(caught.exception),
        )


class _Faulty:
    """Tests that are run by a test, and never by a runner."""

    class Leaks(WebsocketTestCase):
        ws_path = "/ws/leaking/"

        async def test(self) -> None:
            async with self.create_communicator() as ws:
                await ws.send_json({})
                await ws.receive_json()

        test_again = test

    class Unread(WebsocketTestCase):
        ws_path = "/ws/talkative/"

        async def test(self) -> None:
            ws = self.create_communicator(name="ann")
            await ws.connect()
            await ws.send_json({})
            await ws.receive_json()

        test_again = test

    class UnreadIsIgnored(WebsocketTestCase):
        ws_path = "/ws/talkative/"
        unread: Literal["ignore", "error"] = "ignore"

        async def test(self) -> None:
            ws = self.create_communicator(unread=self.unread)
            await ws.connect()
            await ws.send_json({})
            await ws.receive_json()

    class UnreadIsAnError(UnreadIsIgnored):
        unread = "error"

    class UnreadSync(WebsocketTestCase):
        ws_path = "/ws/talkative/"

        def test(self) -> None:
            ws = self.create_sync_communicator(name="ann")
            ws.connect()
            ws.send_json({})
            ws.receive_json()

    class Unseen(WebsocketTestCase):
        ws_path = "/ws/raising/"

        async def test(self) -> None:
            ws = self.create_communicator(name="ann")
            await ws.connect()
            await ws.send_json({})

    class FailsTwice(Unseen):
        async def test(self) -> None:
            await super().test()
            raise AssertionError("the first error")

        async def asyncTearDown(self) -> None:
            raise LookupError("the second error")

    class SkipsAndFails(Unseen):
        async def test(self) -> None:
            self.skipTest("the skip")

        async def asyncTearDown(self) -> None:
            raise LookupError("the error")

    class FailsInPlainSetUp(WebsocketTestCase):
        ws_path = "/ws/echo/"

        def setUp(self) -> None:
            super().setUp()
            self.create_sync_communicator().connect()
            raise LookupError("no set-up")

        async def test(self) -> None:
            raise AssertionError("not reached")

    class FailsInSetUp(WebsocketTestCase):
        ws_path = "/ws/echo/"
        connected: ClassVar[list[WebsocketCommunicator]] = []

        async def asyncSetUp(self) -> None:
            self.connected[:] = [self.communicator, self.create_communicator()]
            for each in self.connected:
                await each.connect()
            raise LookupError("no set-up")

        async def test(self) -> None:
            raise AssertionError("not reached")

        async def asyncTearDown(self) -> None:
            raise AssertionError("not reached")

    class Silent(WebsocketTestCase):
        ws_path = "/ws/hanging/"

        async def test(self) -> None:
            async with self.create_communicator() as ws:
                await ws.receive_json()

    class SilentSync(WebsocketTestCase):
        ws_path = "/ws/hanging/"

        def test(self) -> None:
            with self.create_sync_communicator() as ws:
                ws.receive_json()

    class NeverAwaited(WebsocketTestCase):
        ws_path = "/ws/echo/"

        def test(self) -> None:
            ws = self.create_communicator()
            ws.connect()
            for _ in range(2):
                ws.send_json("hello")
            ws.receive_json()
            ws.assert_closed()
            ws.expect_nothing()

    class NeverAwaitedInACoroutine(WebsocketTestCase):
        ws_path = "/ws/echo/"

        async def test(self) -> None:
            async with self.create_communicator() as ws:
                ws.assert_closed()

    class NeverAwaitedInSetUp(WebsocketTestCase):
        ws_path = "/ws/echo/"

        def setUp(self) -> None:
            super().setUp()
            self.auth_communicator.connect()

        async def test(self) -> None:
            raise AssertionError("the first error")

    class AwaitedElsewhere(WebsocketTestCase):
        ws_path = "/ws/echo/"

        def setUp(self) -> None:
            super().setUp()
            self.made = self.create_communicator()

        def test(self) -> None:
            async def later() -> None:
                """Whose it is, is not ours to say."""

            later()
            self.assertEqual(async_to_sync(self.made.connect)(), (True, None))
            asyncio.run(self.create_communicator().disconnect())

    class Differs(WebsocketTestCase):
        ws_path = "/ws/echo/"

        async def test(self) -> None:
            self.create_communicator(name="nobody")
            ann = self.create_communicator(name="ann")
            await ann.connect()
            await ann.send_json("hello")
            async with self.create_communicator(name="bob") as bob:
                for _ in range(6):
                    await bob.send_json("x")
                    await bob.receive_json()
                self.assertEqual(await ann.receive_json(), "hullo")

    class DiffersSync(WebsocketTestCase):
        ws_path = "/ws/echo/"

        def test(self) -> None:
            for number in range(12):
                self.create_sync_communicator(name=str(number)).connect()
            self.assertEqual(1, 2)

    class MadeByHand(WebsocketTestCase):
        left: ClassVar[list[object]] = []
        crashes = False

        async def asyncSetUp(self) -> None:
            self.client = WebsocketCommunicator(_Leaving, "/", name="ann")
            await self.client.connect()

        async def test(self) -> None:
            ws = WebsocketCommunicator(_Leaving, "/", name="bob")
            ws.scope["crashes"] = self.crashes
            await ws.connect()
            await ws.send_to("never answered")

    class MadeByHandAndCrashes(MadeByHand):
        crashes = True

    class UnknownAlias(WebsocketTestCase):
        test_channel_aliases = ("third",)

        async def test(self) -> None:
            raise AssertionError("not reached")


def run(
    kind: type[WebsocketTestCase], action: Literal["always", "error"] = "always"
) -> tuple[str, list[str]]:
    """Run a test; return what its result says of it, and its warnings."""
    result = unittest.TestResult()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        unittest.TestSuite([kind("test")]).run(result)
    texts = [text for _, text in result.failures + result.errors]
    return "\n".join(texts), [f"{w.category.__name__}: {w.message}" for w in caught]


class EndOfTestTests(TransactionTestCase):
    databases: ClassVar = {"default", "logs"}

    def test_leaked_task(self) -> None:
        """A task that a consumer leaves behind: which, and where it stands."""
        text, warned = run(_Faulty.Leaks)
        line = line_of(consumers.Leaking.tick, 1)
        self.assertEqual(text, "")
        self.assertEqual(len(warned), 1)
        self.assertRegex(
            warned[0],
            r"^LeakedTaskWarning: the application has left a task running: Leaking.tick "
            rf"at .*consumers\.py:{line}\. Cancel what a consumer begins in its "
            r"disconnect\(\), or await it\.\nIn test_failures\._Faulty\.Leaks\.test\n"
            r".*errors\.html#leakedtaskwarning$",
        )
        self.assertTrue(issubclass(LeakedTaskWarning, UserWarning))

    def test_made_by_hand(self) -> None:
        """Communicators that a test makes by itself and leaves open are closed."""
        left = _Faulty.MadeByHand.left
        left.clear()
        self.assertEqual(run(_Faulty.MadeByHand), ("", []))
        self.assertEqual([code for code, _ in left], [1000, 1000])
        self.assertEqual(len({loop for _, loop in left}), 1)

    def test_made_by_hand_and_crashes(self) -> None:
        """What the application raises then fails the test."""
        text, warned = run(_Faulty.MadeByHandAndCrashes)
        self.assertIn("ApplicationCrashed: no clean end for bob", text)
        self.assertEqual(warned, [])

    def test_traceback(self) -> None:
        """A traceback is the test's line and what follows, and none of ours."""
        for kind in (_Faulty.Silent, _Faulty.SilentSync):
            text, _ = run(kind)
            lines = [each for each in text.splitlines() if each.startswith("  File ")]
            self.assertEqual(len(lines), 1, text)
            line = line_of(kind.test, 2)
            self.assertRegex(lines[0], rf'test_failures\.py", line {line}, in test$')

    def test_never_awaited(self) -> None:
        """A plain test that calls coroutines fails: which, where, and what to do."""
        text, warned = run(_Faulty.NeverAwaited)
        line = line_of(_Faulty.NeverAwaited.test, 2)
        self.assertEqual(
            text.replace(__file__, "tests.py").strip(),
            inspect.cleandoc(
                f"""
                RuntimeError: never awaited, so nothing was done: connect() at tests.py:{line}, send_json() at tests.py:{line + 2}, send_json() at tests.py:{line + 2} and 3 more. Make test an `async def` and await each, or use create_sync_communicator() in a plain test.
                """
            ),
        )
        self.assertEqual(warned, [])

    def test_never_awaited_in_a_coroutine(self) -> None:
        """So does a coroutine that has forgotten an await, and passed for it."""
        text, warned = run(_Faulty.NeverAwaitedInACoroutine)
        self.assertRegex(
            text, r"done: assert_closed\(\) at .*\. Put an await before each"
        )
        self.assertEqual(warned, [])

    def test_never_awaited_in_plain_set_up(self) -> None:
        """So does one whose setUp has; the test's own failure is shown as well."""
        text, _ = run(_Faulty.NeverAwaitedInSetUp)
        self.assertIn("AssertionError: the first error", text)
        self.assertIn("RuntimeError: never awaited, so nothing was done: conn", text)

    def test_never_awaited_where_warnings_are_errors(self) -> None:
        """Python can raise nothing there, and the test fails all the same."""
        text, _ = run(_Faulty.NeverAwaitedInACoroutine, action="error")
        line = line_of(_Faulty.NeverAwaitedInACoroutine.test, 2)
        self.assertIn("never awaited, so nothing was done: assert_closed() at ", text)
        self.assertIn(f"test_failures.py:{line}. Put an await", text)

    def test_awaited_elsewhere(self) -> None:
        """A plain test may let a loop await them; others' coroutines only warn."""
        text, warned = run(_Faulty.AwaitedElsewhere)
        self.assertEqual(text, "")
        (warning,) = warned
        self.assertRegex(warning, r"^RuntimeWarning: .*later' was never awaited$")

    def test_unread_frames(self) -> None:
        """Frames that nobody read: which, also where the test case closes."""
        for kind in (_Faulty.Unread, _Faulty.UnreadSync):
            text, warned = run(kind)
            self.assertEqual(text, "")
            self.assertEqual(len(warned), 1)
            self.assertEqual(
                text_of(warned[0]),
                inspect.cleandoc(
                    f"""
                    UnreadMessagesWarning: 2 frames not read for ann: '{{"number": 1}}'

                    7 entries
                       0.000s <- accepted
                       0.000s -> {{}}
                       0.000s <- {{"number": 0}}
                       0.000s <- {{"number": 1}}
                       0.000s <- {{"number": 2}}
                       0.000s -- the client disconnects, code 1000
                       0.000s <- (the application returned)

                    The application has returned. Read what it sends, or call skip(n) or ignore_remaining().
                    In test_failures.{kind.__qualname__}.test
                    {address(UnreadMessagesWarning)}
                    """
                ),
            )
        self.assertTrue(issubclass(UnreadMessagesWarning, UserWarning))

    def test_each_test_s_warnings_are_shown(self) -> None:
        """Those of two tests that are alike, at the lines of these tests."""
        for name in ("test", "test_again"):
            for kind in (_Faulty.Unread, _Faulty.Leaks):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("default")
                    unittest.TestSuite([kind(name)]).run(unittest.TestResult())
                (warning,) = caught
                self.assertEqual(warning.filename, __file__)
                self.assertEqual(warning.lineno, line_of(kind.test, 0))
                owner = f"In test_failures.{kind.__qualname__}.{name}"
                self.assertEqual(str(warning.message).splitlines()[-2], owner)

    def test_warnings_as_errors(self) -> None:
        """They fail the test, and are shown once."""
        for kind in (_Faulty.Unread, _Faulty.UnreadSync, _Faulty.Leaks):
            text, _ = run(kind, action="error")
            self.assertEqual(text.count("Traceback"), 1)
            self.assertIn(f"\nIn test_failures.{kind.__qualname__}.test\n", text)

    def test_own_word_on_unread_frames(self) -> None:
        """What a communicator was told itself goes before the setting."""
        text, warned = run(_Faulty.UnreadIsIgnored)
        self.assertEqual((text, warned), ("", []))
        text, warned = run(_Faulty.UnreadIsAnError)
        self.assertIn("UnreadMessages: 2 frames not read for", text)
        self.assertEqual(warned, [])

    @override_settings(WSTEST={"UNREAD": "error"})
    def test_unread_frames_as_errors(self) -> None:
        """The setting makes them fail the test."""
        text, warned = run(_Faulty.Unread)
        self.assertIn("UnreadMessages: 2 frames not read for ann", text)
        self.assertEqual(warned, [])

    @override_settings(WSTEST={"UNRAED": "error"})
    def test_unknown_setting(self) -> None:
        """A setting that there is not: which there are."""
        text, _ = run(_Faulty.Unread)
        self.assertIn("the setting WSTEST has no key 'UNRAED'; there are TIMEOUT", text)

    def test_wrong_value_of_a_setting(self) -> None:
        """A value that means nothing: of which key, and what may stand there."""
        yes_or_no = "give True or False"
        seconds = "give seconds as a number, 0 or more"
        for key, value, choices in [
            ("UNREAD", "errors", "give 'warn', 'error' or 'ignore'"),
            ("UNREAD", ["error"], "give 'warn', 'error' or 'ignore'"),
            *(("TIMEOUT", value, seconds) for value in ("5", -1, True, float("nan"))),
            ("VIRTUAL_CLOCK", "yes", yes_or_no),
            ("CAMELIZE", "false", yes_or_no),
            ("CAMELIZE", None, yes_or_no),
            ("SEND_AUTHENTICATION_MESSAGE", 1, yes_or_no),
        ]:
            with self.subTest(key=key, value=value):
                with override_settings(WSTEST={key: value}):
                    text, _ = run(_Faulty.Unread)
                wrong = f"ImproperlyConfigured: the setting WSTEST has {value!r} for"
                self.assertIn(f"{wrong} {key!r}: {choices}", text)

    def test_right_values_of_settings(self) -> None:
        """Each key has its values, and None where it has no default of its own."""
        for setting in (
            {"TIMEOUT": 5, "UNREAD": "ignore", "CAMELIZE": True},
            {"TIMEOUT": 0.5, "VIRTUAL_CLOCK": True},
            dict.fromkeys(("TIMEOUT", "UNREAD", "VIRTUAL_CLOCK")),
        ):
            with override_settings(WSTEST=setting):
                self.assertEqual(configuration(), Configuration(**setting))

    @override_settings(WSTEST="error")
    def test_setting_that_is_no_dictionary(self) -> None:
        """What stands in the place of a dictionary, and how one looks."""
        text, _ = run(_Faulty.Unread)
        self.assertIn("the setting WSTEST is 'error': give a dictionary", text)

    def test_transcripts(self) -> None:
        """An assertion that fails shows what the clients have seen, once."""
        with settings.override(keep_transcripts=False):
            text, _ = run(_Faulty.Differs)
        _, _, notes = text_of(text).partition("+ hullo\n")
        _, _, notes = notes.partition("\n\n")
        self.assertEqual(
            notes.strip(),
            inspect.cleandoc(
                """
                Transcript of ann:
                   0.000s <- accepted
                   0.000s -> "hello"
                   0.000s <- "hello"
                Transcript of bob, the last 10 of 15 entries:
                   0.000s -> "x"
                   0.000s <- "x"
                   0.000s -> "x"
                   0.000s <- "x"
                   0.000s -> "x"
                   0.000s <- "x"
                   0.000s -> "x"
                   0.000s <- "x"
                   0.000s -- the client disconnects, code 1000
                   0.000s <- (the application returned)
                """
            ),
        )

    def test_transcripts_of_a_plain_test(self) -> None:
        """A plain test's are shown as well: those of the last clients."""
        with settings.override(keep_transcripts=False):
            text, _ = run(_Faulty.DiffersSync)
        self.assertIn("\nOf 12 clients the last 10:\nTranscript of 2:\n", text)
        self.assertEqual(text.count("Transcript of"), 10)

    def test_transcripts_that_are_shown_elsewhere(self) -> None:
        """A communicator's failure has its own, and pytest shows them all."""
        for kind, kept in (
            (_Faulty.Silent, False),
            (_Faulty.SilentSync, False),
            (_Faulty.Differs, True),
        ):
            with settings.override(keep_transcripts=kept):
                text, _ = run(kind)
            self.assertIn("Traceback", text)
            self.assertNotIn("Transcript of", text)

    def test_crash_that_no_wait_has_seen(self) -> None:
        """It fails the test when the test case closes the connection."""
        text, _ = run(_Faulty.Unseen)
        self.assertIn('LookupError("no room for {}")', text.replace("'", '"'))
        self.assertIn("ApplicationCrashed: no clean end for ann", text)

    def test_errors_of_the_cleaning_up(self) -> None:
        """They are shown beneath the first error, and never instead of it."""
        text, _ = run(_Faulty.FailsTwice)
        first = text.index("AssertionError: the first error")
        second = text.index("LookupError: the second error")
        third = text.index("ApplicationCrashed: no clean end for ann")
        self.assertLess(first, second)
        self.assertLess(second, third)

    def test_error_of_a_skipped_test(self) -> None:
        """A skip does not hide what went wrong after it."""
        text, _ = run(_Faulty.SkipsAndFails)
        self.assertIn("LookupError: the error", text)

    def test_error_in_async_set_up(self) -> None:
        """Then neither the test nor its teardown runs, and all is disconnected."""
        text, warned = run(_Faulty.FailsInSetUp)
        self.assertIn("LookupError: no set-up", text)
        self.assertNotIn("not reached", text)
        codes = [each.close_code for each in _Faulty.FailsInSetUp.connected]
        self.assertEqual((codes, warned), ([1000, 1000], []))

    def test_error_in_plain_set_up(self) -> None:
        """What was connected for a plain test is disconnected all the same."""
        text, warned = run(_Faulty.FailsInPlainSetUp)
        self.assertIn("LookupError: no set-up", text)
        self.assertEqual(text.count("Traceback"), 1)
        self.assertEqual((connected(), warned), (frozenset(), []))

    def test_unknown_alias(self) -> None:
        """An alias that the settings do not have: which there are."""
        text, _ = run(_Faulty.UnknownAlias)
        self.assertIn(
            "the setting CHANNEL_LAYERS has no alias 'third' "
            "(there are: 'default', 'second')",
            text,
        )
