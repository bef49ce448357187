"""Channels 1's testing tools where things go wrong, cross or come late."""

import gc
from collections.abc import Iterator
from typing import Any, ClassVar

from channels.consumer import AsyncConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.routing import ChannelNameRouter, URLRouter
from django.contrib.auth import get_user_model
from django.urls import path
from project import consumers
from project.models import Note

from wstest_core import (
    ApplicationCrashed,
    ConnectionClosed,
    ConnectionRejected,
    UndecodableFrame,
)
from wstest_core.sync import connected
from wstest_django import ChannelTestCase, Client, WSClient, apply_routes

RECORDER, ECHO, REFUSING = "/ws/recorder/", "/ws/echo/", "/ws/refusing/"
MAKE = {"type": "thumbnails.make", "name": "cat"}


class Tests(ChannelTestCase):
    """What the tests here have in common."""

    def connect(self, where: str, **options: Any) -> WSClient:
        client = WSClient(**options)
        client.send_and_consume("websocket.connect", path=where)
        return client

    def say(self, client: WSClient, text: Any, where: str, **content: Any) -> None:
        client.send_and_consume("websocket.receive", content, text=text, path=where)

    def all_of(self, client: WSClient) -> list[Any]:
        return list(iter(client.receive, None))


class OrderTests(Tests):
    def test_what_is_held_ends_with_the_connection(self) -> None:
        """A frame that waits for another is not given to the next connection."""
        for ordered in (True, False):
            client = self.connect(RECORDER, ordered=ordered)
            self.say(client, "3", RECORDER, order=3)
            client.send_and_consume("websocket.disconnect", path=RECORDER)
            client.send_and_consume("websocket.connect", {"order": 0}, path=RECORDER)
            for number in (2, 1):
                self.say(client, str(number), RECORDER, order=number)
            self.assertEqual(self.all_of(client), [["1"], ["1", "2"]])
            client.close()

    def test_connecting_is_number_0(self) -> None:
        """Also where it was given no number."""
        client = self.connect(RECORDER)
        self.say(client, "1", RECORDER, order=1)
        self.assertEqual(client.receive(), ["1"])

    def test_numbers_that_cannot_be(self) -> None:
        """They are errors, and not frames that wait for ever."""
        client = self.connect(RECORDER, ordered=True)
        self.say(client, "1", RECORDER, order=1)
        with self.assertRaisesMessage(
            ValueError, "'/ws/recorder/' has had an event with order 1: the next is 2"
        ):
            self.say(client, "1", RECORDER, order=1)
        for order in (-1, "2", 1.5):
            with self.assertRaisesMessage(ValueError, "order is a number from 0, not"):
                self.say(client, "x", RECORDER, order=order)

    def test_the_one_that_may_pass_comes_next(self) -> None:
        """Whatever the order and the path in which they were sent."""
        client = self.connect(RECORDER, ordered=True)
        client.send_and_consume("websocket.connect", path=ECHO)
        client.send("websocket.receive", {"order": 2}, text="2", path=RECORDER)
        self.say(client, '"echo"', ECHO)
        self.assertEqual(client.receive(), "echo")
        client.send("websocket.receive", {"order": 1}, text="1", path=RECORDER)
        for _ in range(2):
            client.consume("websocket.receive")
        self.assertEqual(self.all_of(client), [["1"], ["1", "2"]])

    def test_answer_to_connecting(self) -> None:
        """It is returned, though frames were held for it."""
        client = WSClient()
        self.say(client, "1", RECORDER, order=1)
        content = {"order": 0, "path": RECORDER}
        answer = client.send_and_consume("websocket.connect", content)
        self.assertEqual(answer, (True, None))
        self.assertEqual(client.receive(), ["1"])

    def test_refused(self) -> None:
        """What was held for a connection that is refused is forgotten with it."""
        client = WSClient(ordered=True)
        self.say(client, "1", REFUSING, order=1)
        for _ in range(2):
            answer = client.send_and_consume(
                "websocket.connect", path=REFUSING, check_accept=False
            )
            self.assertEqual(answer, (False, 4003))
        with self.assertRaises(ConnectionRejected):
            client.send_and_consume("websocket.connect", path=REFUSING)
        with self.assertRaisesMessage(RuntimeError, "nothing is connected"):
            client.send_and_consume("websocket.disconnect", {"path": REFUSING})

    def test_crashed(self) -> None:
        """So is what was held for one that raised."""
        where = "/ws/raisingsync/"
        client = self.connect(where, ordered=True)
        self.say(client, "{}", where, order=2)
        with self.assertRaises(ApplicationCrashed):
            self.say(client, "{}", where, order=1)
        answer = client.send_and_consume("websocket.connect", path=where)
        self.assertEqual(answer, (True, None))


class ContentTests(Tests):
    def test_what_is_no_event(self) -> None:
        """It is said at once, and how it is meant."""
        client = WSClient()
        wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
            ({"content": {"pth": "/"}}, ValueError, "takes no 'pth': content may have"),
            ({"content": "/ws/"}, TypeError, "a path is given as path='/ws/'"),
            ({"text": b"x"}, TypeError, "is a binary frame: give bytes="),
            ({"bytes": "x"}, TypeError, "is no binary frame: give text="),
            ({"text": "x", "bytes": b"x"}, ValueError, "text or bytes, not both"),
            ({"text": "x", "content": {"code": "x"}}, ValueError, "code is a number"),
        ]
        for given, kind, text in wrong:
            with self.subTest(given), self.assertRaisesMessage(kind, text):
                client.send("websocket.receive", **given)
        with self.assertRaisesMessage(ValueError, "'websocket.close' is no event of a"):
            client.send("websocket.close")
        with self.assertRaisesMessage(ValueError, "'notes' is a channel: a message"):
            client.send("notes", {"type": "x"}, text="x")
        with self.assertRaisesMessage(TypeError, "a message is a dict, not 'x'"):
            Client().send("notes", "x")

    def test_positions(self) -> None:
        """The arguments stand where they stood in Channels 1."""
        client = WSClient()
        client.send_and_consume("websocket.connect", {}, None, ECHO, True, True)
        client.send_and_consume("websocket.receive", {"text": "2"}, "1", ECHO)
        self.assertEqual(client.receive(), 1)

    def test_query(self) -> None:
        """The path that has connected with a query may be named without."""
        client = WSClient()
        client.send_and_consume("websocket.connect", path=f"{ECHO}?a=1")
        self.say(client, "1", ECHO)
        self.say(client, "2", f"{ECHO}?a=1")
        self.assertEqual(self.all_of(client), [1, 2])

    def test_binary_frames(self) -> None:
        """They are JSON, too, or are taken as they are."""

        class Binary(WebsocketConsumer):
            def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
                self.send(bytes_data=bytes_data)

        with apply_routes(Binary):
            client = self.connect("/")
            for frame in (b'{"a": 1}', b"\xff", b"\xff", b""):
                client.send_and_consume("websocket.receive", bytes=frame)
        self.assertEqual(client.receive(), {"a": 1})
        with self.assertRaisesMessage(UndecodableFrame, r"b'\xff'"):
            client.receive()
        self.assertEqual(client.receive(json=False), b"\xff")
        self.assertEqual(client.receive(json=False), b"")


class Relay(AsyncJsonWebsocketConsumer):
    groups: ClassVar = ["relays"]

    async def relay_news(self, event: Any) -> None:
        await self.send_json(event["text"])
        await self.channel_layer.send("relayed", {"type": "told"})

    async def relay_fail(self, event: Any) -> None:
        raise LookupError("no news")

    async def relay_again(self, event: Any) -> None:
        await self.channel_layer.group_send("relays", event)


class TimeTests(Tests):
    @apply_routes(Relay)
    def test_what_the_test_causes(self) -> None:
        """A broadcast of the test has arrived when it looks for its effect."""
        client = self.connect("/")
        for number in range(20):
            event = {"type": "relay.news", "text": number}
            self.group_send("relays", event)
            self.assertEqual(client.receive(), number)
            self.assertIsNotNone(self.get_next_message("relayed"))
            self.group_send("relays", event)
            self.assertIsNotNone(self.get_next_message("relayed"))
            self.assertEqual(client.receive(), number)

    def test_signals(self) -> None:
        """So has that of a row which the test has made."""
        client = self.connect("/ws/notes/")
        for number in range(20):
            Note.objects.create(text=str(number))
            self.assertEqual(client.receive(), ["created", str(number)])

    @apply_routes([Relay, {"relayed": consumers.Thumbnails}])
    def test_for_a_worker(self) -> None:
        """And a message that a consumer is about to send can be consumed."""
        self.connect("/")
        self.group_send("relays", {"type": "relay.news", "text": "x"})
        with self.assertRaisesMessage(ApplicationCrashed, "No handler"):
            Client().consume("relayed")

    @apply_routes(Relay)
    def test_crash_between_events(self) -> None:
        """A consumer that raises fails the test where it looks next."""
        client = self.connect("/")
        self.group_send("relays", {"type": "relay.fail"})
        with self.assertRaisesMessage(ApplicationCrashed, "no news"):
            client.receive()

    @apply_routes(Relay)
    def test_without_end(self) -> None:
        """A consumer that goes on for ever takes the client's timeout, no more."""
        client = self.connect("/", timeout=0.02)
        self.group_send("relays", {"type": "relay.again"})
        self.assertIsNone(client.receive())

    def test_worker_without_end(self) -> None:
        """A worker that sends to its own channel is run for one message at a time."""

        class Again(AsyncConsumer):
            async def again(self, message: Any) -> None:
                await self.channel_layer.send("again", message)

        with apply_routes({"again": Again}):
            client = Client()
            client.send_and_consume("again", {"type": "again"})
            self.assertIsNotNone(client.consume("again"))
        self.assertIsNotNone(self.get_next_message("again"))


class ClosingTests(Tests):
    def test_closed_by_the_application(self) -> None:
        """The close code is received, in its turn; then nothing can be sent."""
        where = "/ws/closingearly/"
        client = self.connect(where)
        self.say(client, "{}", where)
        self.assertEqual(client.receive(), {"close": 4008})
        with self.assertRaises(ConnectionClosed):
            self.say(client, "{}", where)
        answer = client.send_and_consume("websocket.connect", path=where)
        self.assertEqual(answer, (True, None))

    def test_closed_at_once(self) -> None:
        """A consumer may accept, say why and close, all when it is connected."""

        class Leaving(JsonWebsocketConsumer):
            def connect(self) -> None:
                self.accept()
                self.send_json("full")
                self.close(4001)

        with apply_routes(Leaving):
            client = WSClient()
            answer = client.send_and_consume("websocket.connect")
        self.assertEqual(answer, (True, None))
        self.assertEqual(self.all_of(client), ["full", {"close": 4001}])

    def test_crash_while_connecting(self) -> None:
        """It is the crash that fails the test, also after an accept."""

        class Failing(WebsocketConsumer):
            def connect(self) -> None:
                self.accept()
                raise LookupError("no room")

        with apply_routes(Failing):
            for check in (True, False):
                with self.assertRaisesMessage(ApplicationCrashed, "no room"):
                    WSClient().send_and_consume("websocket.connect", check_accept=check)

    def test_again_after_the_end(self) -> None:
        """A client that was closed can be used again."""
        client, worker = WSClient(), Client()
        for _ in range(2):
            with client, worker:
                client.send_and_consume("websocket.connect", path=ECHO)
                self.say(client, "1", ECHO)
                worker.send_and_consume("thumbnails", MAKE)
            self.assertEqual(client.receive(), 1)
            self.assertIsNotNone(worker.receive())

    @apply_routes(Relay)
    def test_all_are_closed(self) -> None:
        """An error at one connection keeps no other one open."""
        client = self.connect("/a")
        for where in ("/b", "/c"):
            client.send_and_consume("websocket.connect", path=where)
        before = connected()
        self.group_send("relays", {"type": "relay.fail"})
        with self.assertRaises(ApplicationCrashed):
            client.close()
        self.assertFalse(connected() & before)

    def test_nobody_knows_the_client_any_more(self) -> None:
        """It is closed with the test, though the test has let go of it."""
        self.connect(ECHO)
        gc.collect()
        self.doCleanups()
        self.assertFalse(connected())


class LifeTests(Tests):
    of_the_class: ClassVar = WSClient()

    def setUp(self) -> None:
        super().setUp()
        self.client_of_setup = self.connect(ECHO)
        self.of_the_class.send_and_consume("websocket.connect", path=ECHO)

    def tearDown(self) -> None:
        self.say(self.client_of_setup, "2", ECHO)
        self.assertEqual(self.client_of_setup.receive(), 2)
        super().tearDown()

    def test_in_set_up_and_tear_down(self) -> None:
        """A client lives from its making to after tearDown."""
        self.say(self.client_of_setup, "1", ECHO)
        self.assertEqual(self.client_of_setup.receive(), 1)

    test_one_of_a_class_is_connected_anew = test_in_set_up_and_tear_down

    async def test_coroutine(self) -> None:
        """In a coroutine it is one clear error to run a consumer."""
        client = WSClient()
        client.send("websocket.connect", path=ECHO)
        with self.assertRaisesMessage(RuntimeError, "WSClient runs consumers for"):
            client.consume("websocket.connect")
        worker = Client()
        worker.send("thumbnails", MAKE)
        with self.assertRaisesMessage(RuntimeError, "make the test a plain `def`"):
            worker.consume("thumbnails")
        self.assertIsNotNone(self.get_next_message("thumbnails"))

    def test_many(self) -> None:
        """Two hundred clients hear each other."""
        clients = [self.connect("/ws/room/a/") for _ in range(200)]
        self.say(clients[0], {"text": "hi"}, "/ws/room/a/")
        for client in clients:
            self.assertEqual(client.receive(), {"room": "a", "text": "hi"})


class SessionTests(Tests):
    def test_changed_in_two_steps(self) -> None:
        """What is put into `session` is there when `session` is saved."""
        client = WSClient()
        client.session["visits"] = 41
        client.session.save()
        client.send_and_consume("websocket.connect", path="/ws/counting/")
        self.assertEqual(client.session["visits"], 42)
        client.session["visits"] = 1
        client.force_login(get_user_model().objects.create_user("ann"))
        self.assertEqual(client.session["visits"], 42)


class Named(JsonWebsocketConsumer):
    name = "a"

    def connect(self) -> None:
        self.accept()
        self.send_json(self.name)


class Other(Named):
    name = "b"


def name(where: str = "/a/") -> Any:
    with WSClient() as client:
        client.send_and_consume("websocket.connect", path=where)
        return client.receive()


class RouteTests(ChannelTestCase):
    def test_lists(self) -> None:
        """Lists of lists are routes, as in Channels 1, and generators are."""

        def generated() -> Iterator[Any]:
            yield path("a/", Named.as_asgi())
            yield path("b/", Other.as_asgi())

        a, b = generated()
        for routes in ([[a], [b]], generated(), (a, [b])):
            with apply_routes(routes):
                self.assertEqual((name("/a/"), name("/b/")), ("a", "b"))

    def test_routers(self) -> None:
        """A router leaves to the project what it does not route."""
        router = URLRouter([path("a/", Named.as_asgi())])
        names = ChannelNameRouter({"pictures": consumers.Thumbnails.as_asgi()})
        client = Client()
        with apply_routes(router):
            self.assertEqual(name(), "a")
            client.send_and_consume("thumbnails", MAKE)
        with apply_routes(names), WSClient() as socket:
            socket.send_and_consume("websocket.connect", path=ECHO)
            client.send_and_consume("pictures", MAKE)
        names_made = [client.receive(require=True)["name"] for _ in range(2)]
        self.assertEqual(names_made, ["cat.png", "cat.png"])

    def test_workers_are_those_of_the_block(self) -> None:
        """A client that has run a consumer runs another where another is applied."""

        class Drawing(AsyncConsumer):
            async def thumbnails_make(self, message: Any) -> None:
                reply = {"type": "drawn"}
                await self.channel_layer.send(message["reply_channel"], reply)

        client = Client()
        types: list[str] = []
        for applied in (consumers.Thumbnails, Drawing, consumers.Thumbnails):
            with apply_routes({"thumbnails": applied}):
                client.send_and_consume("thumbnails", MAKE)
                types.append(client.receive(require=True)["type"])
        self.assertEqual(types, ["thumbnails.made", "drawn", "thumbnails.made"])

    def test_what_is_no_route(self) -> None:
        """It is said where it is given, and not where it is used."""
        wrong: list[tuple[Any, str]] = [
            ([], "was given no route"),
            ({}, "was given no route"),
            ({"a": "b"}, "'b' is no consumer"),
            ("project.asgi.application", "is no route: give path()"),
            (path("a/", Named), "leads to the class Named: give Named.as_asgi()"),
        ]
        for routes, text in wrong:
            with self.subTest(routes), self.assertRaisesMessage(TypeError, text):
                apply_routes(routes)

    @apply_routes(Named)
    async def test_coroutine_with_a_block(self) -> None:
        """A block in a decorated coroutine is over its decoration."""
        for expected in ("a", "b", "a"):
            routes = {"a": Named, "b": Other}[expected]
            with apply_routes(routes):
                async with self.create_communicator(ws_path="/") as ws:
                    self.assertEqual(await ws.receive_json(), expected)


again = apply_routes(Named)


@again
class DecoratedTests(ChannelTestCase):
    expected = "a"

    def test_of_the_class(self) -> None:
        """Those of the class itself are used."""
        self.assertEqual(name(), self.expected)

    @again
    def test_twice(self) -> None:
        """The same routes may be applied within themselves."""
        with again:
            self.assertEqual(name(), "a")
        self.assertEqual(name(), "a")

    @apply_routes(Other)
    @apply_routes(Named)
    def test_innermost(self) -> None:
        """Of two decorators the one next to the function counts."""
        self.assertEqual(name(), "a")


@apply_routes(Other)
class DerivedTests(DecoratedTests):
    """A derived class that is decorated, too, has its own routes."""

    expected = "b"


class AfterwardsTests(ChannelTestCase):
    def test_nothing_is_left(self) -> None:
        """Other classes have the project's routes."""
        with self.assertRaises(ApplicationCrashed):
            name()
