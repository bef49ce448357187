"""The examples of Channels 1's page on testing, one by one, for today's Channels.

Its last example, the live server with a browser, is in `test_live` and `test_browser`.
"""

from importlib import import_module
from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.generic.websocket import JsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_save
from django.urls import path
from project.models import Note

from wstest_django import ChannelTestCase, Client, HttpClient, apply_routes


def now(call: Any, *args: Any) -> None:
    """Call a method of a channel layer from sync code."""
    async_to_sync(call)(*args)


class Squares(SyncConsumer):
    def square(self, message: Any) -> None:
        result = {"type": "squared", "value": message["value"] ** 2}
        now(self.channel_layer.send, message.get("to", "result"), result)


class Worker(AsyncConsumer):
    async def work(self, message: Any) -> None:
        reply = {"type": "worked", "all is": "done"}
        await self.channel_layer.send(message["reply_channel"], reply)


class Rooms(JsonWebsocketConsumer):
    """What it finds in the session it sends; what it is told it passes on."""

    groups: ClassVar = ["rooms_watchers"]

    def receive_json(self, content: Any, **_: Any) -> None:
        engine = import_module(settings.SESSION_ENGINE)
        session = engine.SessionStore(self.scope["session"].session_key)
        self.send_json({"rooms": session.get("rooms", [])})
        user = self.scope["user"].pk
        message = {"type": "heard", "user": user, "message": content["message"]}
        now(self.channel_layer.send, "rooms_receive", message)

    def rooms_news(self, event: Any) -> None:
        self.send(text_data=event["text"])


class Keys(JsonWebsocketConsumer):
    def connect(self) -> None:
        self.accept()
        self.send_json({"key": "value"})


class Demultiplexer(JsonWebsocketConsumer):
    def receive_json(self, content: Any, **_: Any) -> None:
        message = {"type": "binding.change", **content["payload"]}
        now(self.channel_layer.send, f"binding.{content['stream']}", message)


class NoteBinding(SyncConsumer):
    def binding_change(self, message: Any) -> None:
        if message["action"] == "create":
            Note.objects.create(**message["data"])


def tell_saved(instance: Note, created: bool, **_: object) -> None:
    payload = {
        "action": "create" if created else "update",
        "model": "project.note",
        "pk": instance.pk,
        "data": {"text": instance.text},
    }
    event = {"type": "note.bound", "stream": "note", "payload": payload}
    send = get_channel_layer().group_send
    transaction.on_commit(lambda: now(send, "note-updates", event))


class ChannelTests(ChannelTestCase):
    def test_send(self) -> None:
        """What is sent goes onto a layer in memory."""
        now(get_channel_layer().send, "some-channel-name", {"type": "a", "foo": "bar"})
        found = self.get_next_message("some-channel-name", require=True)
        self.assertEqual(found["foo"], "bar")

    @apply_routes({"input": Squares})
    def test_consumer_of_a_channel(self) -> None:
        """A consumer is run for a message, and its result is on a channel."""
        self.send("input", {"type": "square", "value": 33})
        Client().consume("input")
        result = self.get_next_message("result", require=True)
        self.assertEqual(result["value"], 1089)

    @apply_routes({"input": Squares})
    def test_reply_channel(self) -> None:
        """A consumer replies to a channel that the message has named."""
        self.send("input", {"type": "square", "value": 33, "to": "here"})
        message = Client().consume("input")
        assert message is not None
        result = self.get_next_message(message["to"], require=True)
        self.assertEqual(result["value"], 1089)

    def test_group(self) -> None:
        """What a group is sent is on the channels in it."""
        self.group_add("test-group", "test-channel")
        self.group_send("test-group", {"type": "a", "value": 42})
        result = self.get_next_message("test-channel", require=True)
        self.assertEqual(result["value"], 42)

    @apply_routes({"my_internal_channel": Worker})
    def test_client(self) -> None:
        """A client sends, has the consumer run, and has its reply."""
        client = Client()
        message = {"type": "work", "value": "my_value"}
        client.send_and_consume("my_internal_channel", message)
        self.assertEqual(client.receive(), {"type": "worked", "all is": "done"})


@apply_routes([path("rooms/", Rooms.as_asgi())])
class RoomsTests(ChannelTestCase):
    def test_rooms(self) -> None:
        """Login, group, session during a connection, reply, and a side effect."""
        client = HttpClient()
        user = get_user_model().objects.create_user(
            username="test", email="test@test.com", password="123456"
        )
        self.assertTrue(client.login(username="test", password="123456"))

        client.send_and_consume("websocket.connect", path="/rooms/")
        self.assertIsNone(client.receive())

        self.group_send(Rooms.groups[0], {"type": "rooms.news", "text": "ok"})
        self.assertEqual(client.receive(json=False), "ok")

        client.session["rooms"] = ["test", "1"]
        client.session.save()
        client.send_and_consume(
            "websocket.receive", text={"message": "hey"}, path="/rooms/"
        )
        self.assertEqual(client.receive(), {"rooms": ["test", "1"]})

        expected = {"type": "heard", "user": user.pk, "message": "hey"}
        self.assertEqual(self.get_next_message("rooms_receive"), expected)
        self.assertIsNone(client.receive())

    def test_force_login(self) -> None:
        """The user may be given instead of a password."""
        client = HttpClient()
        user = get_user_model().objects.create_user("test")
        client.force_login(user)
        client.send_and_consume("websocket.connect", path="/rooms/")
        client.send_and_consume(
            "websocket.receive", text={"message": "hey"}, path="/rooms/"
        )
        self.assertEqual(self.get_next_message("rooms_receive")["user"], user.pk)


class RouteTests(ChannelTestCase):
    def test_apply_routes(self) -> None:
        """A consumer is tested without a route in the project."""
        client = HttpClient()
        with apply_routes([path("new", Keys.as_asgi())]):
            client.send_and_consume("websocket.connect", path="/new")
            self.assertEqual(client.receive(), {"key": "value"})


class BindingTests(ChannelTestCase):
    def setUp(self) -> None:
        super().setUp()
        post_save.connect(tell_saved, sender=Note)
        self.addCleanup(post_save.disconnect, tell_saved, sender=Note)

    def test_outbound_create(self) -> None:
        """A new row is broadcast to a group, once."""
        client = HttpClient()
        client.join_group("note-updates")
        note = Note.objects.create(text="fifty")
        received = client.receive(require=True)
        self.assertEqual(received["payload"]["action"], "create")
        self.assertEqual(received["payload"]["model"], "project.note")
        self.assertEqual(received["payload"]["pk"], note.pk)
        self.assertEqual(received["payload"]["data"], {"text": "fifty"})
        self.assertIsNone(client.receive())

    def test_inbound_create(self) -> None:
        """A frame goes through a demultiplexer to the consumer that makes a row."""
        self.assertEqual(Note.objects.count(), 0)
        routes = [
            path("", Demultiplexer.as_asgi()),
            {"binding.note": NoteBinding},
        ]
        with apply_routes(routes):
            client = HttpClient()
            client.send_and_consume("websocket.connect", path="/")
            payload = {"action": "create", "data": {"text": "one"}}
            envelope = {"stream": "note", "payload": payload}
            client.send_and_consume("websocket.receive", text=envelope, path="/")
            client.consume("binding.note")
        self.assertEqual(Note.objects.get().text, "one")


class MultipleLayersTests(ChannelTestCase):
    test_channel_aliases: ClassVar = ["default", "second"]

    def test_aliases(self) -> None:
        """Several layers are captive, and each is named by its alias."""
        now(get_channel_layer("second").send, "a", {"type": "x"})
        self.assertIsNone(self.get_next_message("a"))
        found = self.get_next_message("a", alias="second", require=True)
        self.assertEqual(found, {"type": "x"})
        client = Client(alias="second")
        self.send(client.reply_channel, {"type": "y"}, alias="second")
        self.assertEqual(client.receive(), {"type": "y"})
