"""What Channels 1's testing could do, for today's Channels."""

from typing import Any, ClassVar

from asgiref.sync import async_to_sync, sync_to_async
from channels.generic.websocket import JsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings
from django.urls import path, re_path
from project import consumers
from project.models import Note

from wstest_core import (
    ApplicationCrashed,
    ConnectionRejected,
    NoMessage,
    UndecodableFrame,
)
from wstest_django import (
    ChannelTestCase,
    Client,
    FreshLayer,
    HttpClient,
    TransactionChannelTestCase,
    WebsocketTestCase,
    WSClient,
    apply_routes,
)


class ChannelTests(ChannelTestCase):
    def test_a_thing(self) -> None:
        """What is sent goes onto a channel in memory, and can be looked at there."""
        async_to_sync(get_channel_layer().send)("some-channel", {"type": "a", "n": 1})
        self.send("some-channel", {"type": "a", "n": 2})
        message = self.get_next_message("some-channel", require=True)
        self.assertEqual(message, {"type": "a", "n": 1})
        self.assertEqual(self.get_next_message("some-channel")["n"], 2)
        self.assertIsNone(self.get_next_message("some-channel"))

    test_nothing_is_left_of_another_test = test_a_thing

    def test_require(self) -> None:
        """A message that must be there and is not: what is there instead."""
        with self.assertRaises(NoMessage) as caught:
            self.get_next_message("a", require=True)
        self.assertEqual(
            str(caught.exception),
            "no message on the channel 'a' of the layer 'default'\n\n"
            "The layer is empty.",
        )
        self.send("b", {"type": "one"})
        self.send("b", {"type": "two"})
        with self.assertRaises(NoMessage) as caught:
            self.get_next_message("a", require=True)
        self.assertEqual(
            str(caught.exception),
            "no message on the channel 'a' of the layer 'default'\n\n"
            "On the layer wait\n   b: 2, the next is {'type': 'one'}",
        )

    def test_groups(self) -> None:
        """A channel that is added to a group has what the group is sent."""
        self.group_add("test-group", "test-group-channel")
        self.group_send("test-group", {"type": "greet", "value": 42})
        result = self.get_next_message("test-group-channel", require=True)
        self.assertEqual(result["value"], 42)

    async def test_async(self) -> None:
        """The same serves coroutines."""
        await get_channel_layer().send("some-channel", {"type": "a"})
        self.assertEqual(self.get_next_message("some-channel"), {"type": "a"})

    def test_other_layers_are_not_captive(self) -> None:
        """Only those of test_channel_aliases are."""
        self.assertIsInstance(get_channel_layer("default"), FreshLayer)
        self.assertNotIsInstance(get_channel_layer("second"), FreshLayer)


class SeveralLayersTests(ChannelTestCase):
    test_channel_aliases: ClassVar = ["default", "second"]

    def test_layers_are_apart(self) -> None:
        """A message is on the layer that it was put on, and on no other."""
        self.send("a", {"type": "x"}, alias="second")
        self.assertIsNone(self.get_next_message("a"))
        self.group_add("g", "a", alias="second")
        self.group_send("g", {"type": "y"}, alias="second")
        self.group_send("g", {"type": "z"})
        types = [self.get_next_message("a", alias="second")["type"] for _ in range(2)]
        self.assertEqual(types, ["x", "y"])
        self.assertIsNone(self.get_next_message("a", alias="second"))

    def test_client_of_a_layer(self) -> None:
        """A client talks over the layer that it is given."""

        class Second(consumers.Thumbnails):
            channel_layer_alias = "second"

        with apply_routes({"thumbnails": Second}):
            client = Client(alias="second")
            message = {"type": "thumbnails.make", "name": "cat"}
            client.send_and_consume("thumbnails", message)
            self.assertEqual(client.receive()["name"], "cat.png")


class ClientTests(ChannelTestCase):
    def test_background_consumer(self) -> None:
        """A message is run by its consumer, whose reply comes back."""
        client = Client()
        client.send("thumbnails", {"type": "thumbnails.make", "name": "cat"})
        self.assertIsNone(client.receive())
        client.consume("thumbnails")
        reply = {"type": "thumbnails.made", "name": "cat.png"}
        self.assertEqual(client.receive(), reply)
        self.assertIsNone(client.receive())

    def test_sync_worker(self) -> None:
        """A sync consumer writes rows of the test, and lives as a worker's does."""
        client = Client()
        for number in (1, 2):
            client.send_and_consume("notes", {"type": "note.write", "text": "milk"})
            reply = client.receive(require=True)
            self.assertEqual(reply["count"], number)
            self.assertTrue(Note.objects.filter(pk=reply["pk"]).exists())

    def test_message_from_elsewhere(self) -> None:
        """A message that the code under test has sent is consumed likewise."""
        client = Client()
        message = {
            "type": "thumbnails.make",
            "name": "dog",
            "reply_channel": client.reply_channel,
        }
        async_to_sync(get_channel_layer().send)("thumbnails", message)
        self.assertEqual(client.consume("thumbnails"), message)
        self.assertEqual(client.receive()["name"], "dog.png")

    def test_nothing_to_consume(self) -> None:
        """It fails, or not, as the test wants."""
        client = Client()
        with self.assertRaisesMessage(NoMessage, "no message on the channel 'notes'"):
            client.consume("notes")
        self.assertIsNone(client.consume("notes", fail_on_none=False))
        with self.assertRaisesMessage(NoMessage, f"'{client.reply_channel}'"):
            client.receive(require=True)

    def test_group(self) -> None:
        """A client that joins a group receives what it is sent."""
        client = Client()
        client.join_group("thumbnails")
        client.send_and_consume("thumbnails", {"type": "thumbnails.announce"})
        self.assertEqual(client.receive(), {"type": "made"})

    def test_consumer_that_raises(self) -> None:
        """Its error is the test's, and the next message has a new consumer."""
        client = Client()
        with self.assertRaisesMessage(ApplicationCrashed, "no such picture") as caught:
            client.send_and_consume("thumbnails", {"type": "thumbnails.fail"})
        self.assertIsInstance(caught.exception.__cause__, LookupError)
        message = {"type": "thumbnails.make", "name": "cat"}
        client.send_and_consume("thumbnails", message)
        self.assertEqual(client.receive()["name"], "cat.png")

    def test_consumer_that_hangs(self) -> None:
        """It is known at once that it does not finish, and where it stands."""
        client = Client()
        with self.assertRaises(NoMessage) as caught:
            client.send_and_consume("thumbnails", {"type": "thumbnails.hang"})
        self.assertRegex(
            str(caught.exception),
            r"^the consumer of 'thumbnails' has not finished with \{.*\}: .*waiting "
            r"for an event in thumbnails_hang\(\) at project/consumers\.py:\d+",
        )

    def test_unknown_channel(self) -> None:
        """A channel that no consumer is appointed for."""
        with self.assertRaisesMessage(ApplicationCrashed, "channel name 'nowhere'"):
            Client().send_and_consume("nowhere", {"type": "x"})

    @override_settings(ASGI_APPLICATION="project.asgi.websocket")
    def test_no_background_consumers(self) -> None:
        """The router says so itself, if it is asked."""
        with self.assertRaises(ApplicationCrashed):
            Client().send_and_consume("notes", {"type": "x"})


class WSClientTests(ChannelTestCase):
    databases: ClassVar = {"default", "logs"}

    @classmethod
    def setUpTestData(cls) -> None:
        cls.ann = get_user_model().objects.create_user("ann", password="secret")

    def test_json(self) -> None:
        """Frames are JSON, unless the test says otherwise."""
        client = WSClient()
        accepted = client.send_and_consume("websocket.connect", path="/ws/echo/")
        self.assertEqual(accepted, (True, None))
        self.assertIsNone(client.receive())
        client.send_and_consume(
            "websocket.receive", text={"text": "hey"}, path="/ws/echo/"
        )
        self.assertEqual(client.receive(), {"text": "hey"})
        client.send_and_consume("websocket.receive", text='"hey"', path="/ws/echo/")
        self.assertEqual(client.receive(json=False), '"hey"')
        self.assertIsNone(client.receive())
        client.send_and_consume("websocket.disconnect", path="/ws/echo/")

    def test_bytes(self) -> None:
        """Binary frames are sent as they are."""
        client = HttpClient()
        client.send_and_consume("websocket.connect", path="/ws/recorder/")
        client.send_and_consume("websocket.receive", bytes=b"b", path="/ws/recorder/")
        content = {"bytes": b"c", "path": "/ws/recorder/"}
        client.send_and_consume("websocket.receive", content)
        self.assertEqual(client.receive(), ["b"])
        self.assertEqual(client.receive(), ["b", "c"])

    def test_text_that_is_no_json(self) -> None:
        """It is an error that shows the frame, and this client's way to take it."""
        client = WSClient()
        client.send_and_consume("websocket.connect", path="/ws/translating/")
        client.send_and_consume(
            "websocket.receive", text="no json", path="/ws/translating/"
        )
        with self.assertRaises(UndecodableFrame) as caught:
            client.receive()
        self.assertEqual(caught.exception.frame, "no json")
        self.assertEqual(
            str(caught.exception),
            "undecodable frame: not JSON: Expecting value at line 1 column 1\n\n"
            "   no json\n\nreceive(json=False) takes any frame as it is.",
        )

    def test_session(self) -> None:
        """The session is read and saved before, during and after a connection."""
        client = WSClient()
        client.force_login(self.ann)
        session = client.session
        session["visits"] = 41
        session.save()
        client.send_and_consume("websocket.connect", path="/ws/counting/")
        self.assertEqual(client.session["visits"], 42)
        client.send_and_consume("websocket.disconnect", path="/ws/counting/")
        client.send_and_consume("websocket.connect", path="/ws/counting/")
        self.assertEqual(client.session["visits"], 43)

    def test_logins(self) -> None:
        """A client is somebody by password, by force, or nobody again."""
        client = WSClient()

        def name() -> str:
            client.send_and_consume("websocket.connect", path="/ws/whoami/")
            client.send_and_consume("websocket.disconnect", path="/ws/whoami/")
            found: str = client.receive()["user"]
            return found

        self.assertEqual(name(), "nobody")
        self.assertFalse(client.login(username="ann", password="wrong"))
        self.assertTrue(client.login(username="ann", password="secret"))
        self.assertEqual(name(), "ann")
        self.assertEqual(name(), "ann")
        client.logout()
        self.assertEqual(name(), "nobody")
        client.force_login(self.ann)
        self.assertEqual(name(), "ann")

    def test_cookies_and_headers(self) -> None:
        """They are sent with each connection."""
        client = WSClient(headers={"Accept-Language": "de"})
        client.set_cookie("theme", "dark")
        client.send_and_consume("websocket.connect", path="/ws/headers/")
        expected = {"cookies": {"theme": "dark"}, "language": "de"}
        self.assertEqual(client.receive(), expected)
        self.assertEqual(client.get_cookies(), {"theme": "dark"})
        client.send_and_consume("websocket.disconnect", path="/ws/headers/")
        client.set_header("Accept-Language", "fr")
        client.send_and_consume("websocket.connect", path="/ws/headers/")
        self.assertEqual(client.receive()["language"], "fr")

    def test_refused(self) -> None:
        """A refusal fails the test, unless the test does not mind."""
        client = WSClient()
        with self.assertRaises(ConnectionRejected):
            client.send_and_consume("websocket.connect", path="/ws/refusing/")
        answer = client.send_and_consume(
            "websocket.connect", path="/ws/refusing/", check_accept=False
        )
        self.assertEqual(answer, (False, 4003))

    def test_several_paths(self) -> None:
        """A client is on several paths at once; answers come in their order."""
        client = WSClient()
        for room in ("a", "b"):
            client.send_and_consume("websocket.connect", path=f"/ws/room/{room}/")
        for room in ("b", "a", "b"):
            client.send_and_consume(
                "websocket.receive", text={"text": "hi"}, path=f"/ws/room/{room}/"
            )
        rooms = [client.receive()["room"] for _ in range(3)]
        self.assertEqual(rooms, ["b", "a", "b"])
        self.assertIsNone(client.receive())

    def test_group(self) -> None:
        """A client may join a group, and background consumers may reply to it."""
        client = WSClient()
        client.join_group("users")
        self.group_send("users", {"type": "hello"})
        self.assertEqual(client.receive(), {"type": "hello"})
        message = {"type": "thumbnails.make", "name": "cat"}
        client.send_and_consume("thumbnails", message)
        self.assertEqual(client.receive()["name"], "cat.png")

    def test_ordered(self) -> None:
        """Frames with a number are delivered in order, whenever they are sent."""
        client = WSClient(ordered=True)
        where = "/ws/recorder/"
        client.send_and_consume("websocket.connect", path=where)
        for number in (3, 2, 1):
            client.send_and_consume(
                "websocket.receive", {"order": number}, text=str(number), path=where
            )
        received = [client.receive() for _ in range(3)]
        self.assertEqual(received, [["1"], ["1", "2"], ["1", "2", "3"]])
        client.send_and_consume("websocket.receive", text="next", path=where)
        self.assertEqual(client.receive()[-1], "next")
        client.send_and_consume("websocket.disconnect", path=where)
        client.send_and_consume("websocket.connect", path=where)
        client.send_and_consume("websocket.receive", text="again", path=where)
        self.assertEqual(client.receive(), ["again"])

    def test_send_and_consume_apart(self) -> None:
        """An event that is sent waits until it is consumed."""
        client = WSClient()
        client.send("websocket.connect", path="/ws/echo/")
        client.send("websocket.receive", text={"n": 1}, path="/ws/echo/")
        self.assertIsNone(client.receive())
        self.assertEqual(client.consume("websocket.connect"), (True, None))
        client.consume("websocket.receive")
        self.assertEqual(client.receive(), {"n": 1})
        self.assertIsNone(client.consume("websocket.receive", fail_on_none=False))
        with self.assertRaisesMessage(NoMessage, "no websocket.receive waits"):
            client.consume("websocket.receive")

    def test_misuse(self) -> None:
        """What cannot be is one clear error."""
        client = WSClient()
        with self.assertRaisesMessage(RuntimeError, "nothing is connected at '/a/'"):
            client.send_and_consume("websocket.receive", text="x", path="/a/")
        with self.assertRaisesMessage(ValueError, "websocket.receive takes a frame"):
            client.send("websocket.receive", path="/a/")
        with self.assertRaisesMessage(ValueError, "websocket.connect takes no frame"):
            client.send("websocket.connect", text="x", path="/a/")
        client.send_and_consume("websocket.connect", path="/ws/echo/")
        with self.assertRaisesMessage(RuntimeError, "is connected already"):
            client.send_and_consume("websocket.connect", path="/ws/echo/")

    def test_consumer_that_raises(self) -> None:
        """Its error is the test's, once; what it sent before can be received."""
        client = WSClient()
        client.send_and_consume("websocket.connect", path="/ws/raisingsync/")
        with self.assertRaisesMessage(ApplicationCrashed, "no room for"):
            client.send_and_consume(
                "websocket.receive", text={}, path="/ws/raisingsync/"
            )


class Hello(JsonWebsocketConsumer):
    name = "hello"

    def connect(self) -> None:
        self.accept()
        self.send_json([self.name, self.scope["user"].get_username()])


class Bye(Hello):
    name = "bye"


def greeting(where: str = "/") -> Any:
    with WSClient() as client:
        client.send_and_consume("websocket.connect", path=where)
        return client.receive()[0]


class ApplyRoutesTests(ChannelTestCase):
    def test_context_manager(self) -> None:
        """Within a block its routes are used, and afterwards those of before."""
        with apply_routes([path("hello/", Hello.as_asgi())]):
            self.assertEqual(greeting("/hello/"), "hello")
            with apply_routes([re_path("^hello/$", Bye.as_asgi())]):
                self.assertEqual(greeting("/hello/"), "bye")
            self.assertEqual(greeting("/hello/"), "hello")
        with self.assertRaises(ApplicationCrashed):
            greeting("/hello/")

    @apply_routes([path("hello/", Hello.as_asgi())])
    def test_method_decorator(self) -> None:
        """A method may have its own routes."""
        self.assertEqual(greeting("/hello/"), "hello")

    @apply_routes(Hello)
    async def test_decorator_of_a_coroutine(self) -> None:
        """A coroutine, too; and a consumer may stand for all paths."""
        async with self.create_communicator(ws_path="/anywhere/") as ws:
            self.assertEqual((await ws.receive_json())[0], "hello")
        self.assertEqual(await sync_to_async(greeting)(), "hello")

    @apply_routes(
        [path("bye/", Bye.as_asgi()), Hello, {"thumbs": consumers.Thumbnails}]
    )
    def test_mixture(self) -> None:
        """Routes, a consumer for the rest, and consumers of channels."""
        self.assertEqual(greeting("/bye/"), "bye")
        self.assertEqual(greeting("/other/"), "hello")
        client = Client()
        message = {"type": "thumbnails.make", "name": "cat"}
        client.send_and_consume("thumbs", message)
        self.assertEqual(client.receive()["name"], "cat.png")

    @apply_routes(path("hello/", Hello.as_asgi()))
    def test_what_is_not_applied_remains(self) -> None:
        """Routes for WebSockets leave the background consumers as they were."""
        client = Client()
        client.send_and_consume("notes", {"type": "note.write", "text": "x"})
        self.assertEqual(client.receive()["type"], "note.written")

    def test_whole_application(self) -> None:
        """An application is taken as it is."""

        async def application(scope: Any, receive: Any, send: Any) -> None:
            assert "user" not in scope
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": '["whole"]'})
            await receive()
            await receive()

        with apply_routes([application]):
            self.assertEqual(greeting("/anywhere/"), "whole")

    def test_error_in_a_block(self) -> None:
        """Also then the routes are put back."""
        with self.assertRaises(LookupError), apply_routes(Hello):
            raise LookupError
        with self.assertRaises(ApplicationCrashed):
            greeting("/hello/")

    def test_what_is_no_route(self) -> None:
        """What cannot be a route is said at once."""
        with self.assertRaisesMessage(TypeError, "'hello' is no route: give path()"):
            apply_routes(["hello"])


@apply_routes([path("hello/", Hello.as_asgi())])
class DecoratedTests(ChannelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(greeting("/hello/"), "hello")

    def test_class_decorator(self) -> None:
        """A class may have its own routes, for everything in it."""
        self.assertEqual(greeting("/hello/"), "hello")
        with apply_routes([Bye]):
            self.assertEqual(greeting("/hello/"), "bye")


class DerivedTests(DecoratedTests):
    def test_derived(self) -> None:
        """A class that derives from it has them, too."""
        self.assertEqual(greeting("/hello/"), "hello")


class AfterwardsTests(ChannelTestCase):
    def test_class_has_put_back_its_routes(self) -> None:
        """No other class sees them."""
        with self.assertRaises(ApplicationCrashed):
            greeting("/hello/")


class TransactionTests(TransactionChannelTestCase):
    def test_the_same_with_real_transactions(self) -> None:
        """The flushing test case has all that the other has."""
        client = Client()
        client.send_and_consume("notes", {"type": "note.write", "text": "milk"})
        self.assertEqual(client.receive()["count"], 1)
        self.assertEqual(Note.objects.count(), 1)


class DataBindingTests(ChannelTestCase):
    def test_outbound(self) -> None:
        """Each change of a row is broadcast to a group, when it is committed."""
        client = Client()
        client.join_group("notes")
        note = Note.objects.create(text="milk")
        received = client.receive(require=True)
        self.assertEqual((received["what"], received["text"]), ("created", "milk"))
        note.text = "oat milk"
        note.save()
        self.assertEqual(client.receive()["what"], "updated")
        note.delete()
        self.assertEqual(client.receive()["what"], "deleted")
        self.assertIsNone(client.receive())

    def test_inbound(self) -> None:
        """A stream of payloads creates, updates and deletes rows."""
        client = WSClient()
        where = "/ws/notestreams/"
        client.send_and_consume("websocket.connect", path=where)

        def change(action: str, **others: Any) -> Any:
            envelope = {"stream": "notes", "payload": {"action": action, **others}}
            client.send_and_consume("websocket.receive", text=envelope, path=where)
            return client.receive(require=True)

        change("create", data={"text": "milk"})
        note = Note.objects.get()
        self.assertEqual(note.text, "milk")
        change("update", pk=note.pk, data={"text": "oat milk"})
        note.refresh_from_db()
        self.assertEqual(note.text, "oat milk")
        change("delete", pk=note.pk)
        self.assertFalse(Note.objects.exists())
        envelope = {"stream": "other", "payload": {}}
        client.send_and_consume("websocket.receive", text=envelope, path=where)
        self.assertEqual(client.receive(), {"error": "no stream 'other'"})

    def test_both(self) -> None:
        """What comes in by one socket goes out to another."""
        watcher, editor = WSClient(), WSClient()
        watcher.send_and_consume("websocket.connect", path="/ws/notes/")
        editor.send_and_consume("websocket.connect", path="/ws/notestreams/")
        payload = {"action": "create", "data": {"text": "milk"}}
        envelope = {"stream": "notes", "payload": payload}
        editor.send_and_consume(
            "websocket.receive", text=envelope, path="/ws/notestreams/"
        )
        self.assertEqual(watcher.receive(), ["created", "milk"])


class OutsideTests(SimpleTestCase):
    def test_client_needs_a_fresh_layer(self) -> None:
        """Outside of the test cases, the layer is the application's own."""
        with self.assertRaisesMessage(TypeError, "is not a layer for tests"):
            Client().send("notes", {"type": "x"})

    @override_settings(ASGI_APPLICATION="project.asgi.http")
    def test_no_application(self) -> None:
        """An application for HTTP alone has no consumers."""
        case = ChannelTests("test_a_thing")
        case._callSetUp()
        try:
            with self.assertRaisesMessage(
                ImproperlyConfigured, "takes no background messages: it is Django's"
            ):
                Client().send_and_consume("notes", {"type": "x"})
        finally:
            case.doCleanups()


class InOtherCasesTests(WebsocketTestCase):
    def test_clients_are_closed(self) -> None:
        """The clients work in each test case, and end with the test."""
        client = WSClient()
        client.send_and_consume("websocket.connect", path="/ws/echo/")
        client.send_and_consume("websocket.receive", text="1", path="/ws/echo/")
        self.assertEqual(client.receive(), 1)
