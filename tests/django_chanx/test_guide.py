"""What chanx's guide for Django does, and more, in our own test case."""

import os
import threading
from typing import Any, Literal
from unittest.mock import patch

import chanx.channels.settings
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import URLRouter
from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.routing import path
from chanx.channels.utils.settings import override_chanx_settings, settings_context
from chanx.channels.websocket import (
    AsyncJsonWebsocketConsumer as ChanxConsumer,
)
from chanx.core.decorators import ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import (
    AuthenticationMessage,
    AuthenticationPayload,
    ErrorMessage,
    PongMessage,
)
from django.core.management import call_command
from django.test import override_settings
from project.asgi import application
from project.consumers import (
    CamelConsumer,
    ChatConsumer,
    HubConsumer,
    JobConsumer,
    QuietConsumer,
    RoomTopic,
    RoomTopicConsumer,
)
from project.messages import (
    Announced,
    Announcement,
    Done,
    Order,
    Ordered,
    Said,
    SaidPayload,
    Say,
    Whisper,
)
from project.models import Presence, Room
from project.tasks import announce
from pydantic import BaseModel, TypeAdapter
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import IsAuthenticated

from wstest_core import (
    EVENT_ACTION_COMPLETE,
    GROUP_ACTION_COMPLETE,
    NoMessage,
    UnexpectedMessage,
    messages,
)
from wstest_django import (
    WebsocketCommunicator,
    WebsocketTestCase,
    WebsocketTransactionTestCase,
    basic_headers,
    capture_broadcast_events,
    capture_broadcasts,
    group_members,
)

AGES = 3600.0  # a test that really waited for so long would never end


class RoomTestCase(WebsocketTestCase):
    consumer = ChatConsumer

    @classmethod
    def setUpTestData(cls) -> None:
        cls.room = Room.objects.create(name="lobby")

    def get_ws_headers(self) -> Any:
        self.user, headers = self.create_user_and_ws_headers(username="ann")
        self.room.members.add(self.user)
        self.ws_path = f"/ws/chat/{self.room.pk}/"
        return headers

    async def member(self, name: str) -> Any:
        """Connect another member."""
        user, headers = await self.acreate_user_and_ws_headers(username=name)
        await self.room.members.aadd(user)
        ws = self.create_communicator(headers=headers, name=name)
        await ws.connect()
        await ws.assert_authenticated_status_ok()
        return ws


class ChatTests(RoomTestCase):
    async def test_guide(self) -> None:
        """Users and headers are made by the test case itself."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        await self.auth_communicator.send_message(PingMessage())
        assert await self.auth_communicator.receive_message() == PongMessage()
        assert self.auth_communicator.scope["user"] == self.user
        assert self.auth_communicator.scope["url_route"]["kwargs"] == {
            "pk": self.room.pk
        }

    async def test_three_users(self) -> None:
        """Each has a session of its own; nobody needs to sleep."""
        ann, bob, eve = [await self.member(name) for name in ("ann2", "bob", "eve")]
        await bob.send_message(Whisper(payload="psst"))
        for each in (ann, eve):
            (said,) = await each.receive_all_messages(GROUP_ACTION_COMPLETE)
            payload = SaidPayload(user_name="bob", text="psst")
            assert said == Said(payload=payload)
        assert await bob.receive_all_messages(GROUP_ACTION_COMPLETE, AGES) == []
        assert await bob.receive_nothing(AGES)

    async def test_async_with(self) -> None:
        """A communicator connects and disconnects in a block."""
        async with self.create_communicator() as ws:
            await ws.assert_authenticated_status_ok()
            await ws.send_message(Say(payload="hello"))
            found = await ws.receive_all_messages(GROUP_ACTION_COMPLETE)
            assert [message.action for message in found] == ["said"]

    async def test_communicator_of_its_own(self) -> None:
        """The communicator works without the test case's methods."""
        async with WebsocketCommunicator(
            application, self.ws_path, self.ws_headers, consumer=ChatConsumer
        ) as ws:
            await ws.assert_authenticated_status_ok()

    async def test_login(self) -> None:
        """Log in, and connect with the client's session."""
        user = await sync_to_async(self.create_user)(username="bob")
        await self.room.members.aadd(user)
        await self.alogin(user)
        self.ws_headers = []
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        assert self.auth_communicator.scope["user"].get_username() == "bob"

    async def test_events_from_a_task(self) -> None:
        """A task function in a thread is heard as one in the test is."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        await sync_to_async(announce)(self.room.pk, "tea")
        worker = threading.Thread(target=announce, args=(self.room.pk, "coffee"))
        worker.start()
        found = []
        while len(found) < 2:
            found += await self.auth_communicator.receive_all_messages(
                stop_action=EVENT_ACTION_COMPLETE
            )
        worker.join()
        assert {message.payload for message in found} == {"tea", "coffee"}

    def test_plain_test(self) -> None:
        """A plain test calls the application's sync code as it is."""
        with self.create_sync_communicator() as ws:
            ws.assert_authenticated_status_ok()
            announce(self.room.pk, "tea")
            assert ws.receive_message() == Announced(payload="tea")
            with open(os.devnull, "w") as nowhere:
                call_command("announce", self.room.pk, "coffee", stdout=nowhere)
            assert ws.receive_message() == Announced(payload="coffee")


class TransactionChatTests(WebsocketTransactionTestCase):
    consumer = JobConsumer
    ws_path = "/ws/jobs/"

    async def test_ping(self) -> None:
        """The flushing test case is used likewise."""
        await self.auth_communicator.connect()
        await self.auth_communicator.send_message(PingMessage())
        assert await self.auth_communicator.receive_all_messages() == [PongMessage()]


class LifecycleTests(RoomTestCase):
    async def test_hooks_and_groups(self) -> None:
        """After connect() and disconnect() everything of theirs has been done."""
        group = f"room.{self.room.pk}"
        assert (await self.auth_communicator.connect())[0]
        assert await Presence.objects.filter(user=self.user).acount() == 1
        assert len(group_members("default", group)) == 1
        await self.auth_communicator.assert_authenticated_status_ok()
        await self.auth_communicator.disconnect()
        assert not await Presence.objects.aexists()
        assert group_members("default", group) == []

    async def test_left_open(self) -> None:
        """The test case disconnects what a test leaves open."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        self.addCleanup(lambda: self.assertFalse(Presence.objects.exists()))

    async def test_refused_have_no_presence(self) -> None:
        """Who is refused joins nothing, and its disconnect is handled, too."""
        _, headers = await self.acreate_user_and_ws_headers()
        stranger = self.create_communicator(headers=headers)
        await stranger.connect()
        await stranger.wait_for_auth()
        assert not await Presence.objects.aexists()
        assert group_members("default", f"room.{self.room.pk}") == []


class NegativeTests(RoomTestCase):
    async def test_class_of_the_authentication_message(self) -> None:
        """It is chanx's own where its consumer is known, and ours elsewhere."""
        payload = AuthenticationPayload(status_code=200, status_text="OK")
        wanted = AuthenticationMessage(payload=payload)
        await self.auth_communicator.connect()
        auth: Any = await self.auth_communicator.wait_for_auth()
        wanted.payload.data = auth.payload.data
        assert auth == wanted
        ws = WebsocketCommunicator(application, self.ws_path, self.ws_headers)
        async with ws:
            assert isinstance(await ws.wait_for_auth(), messages.AuthenticationMessage)

    def test_class_in_a_plain_test(self) -> None:
        """So it is in a plain test."""
        with self.create_sync_communicator() as ws:
            assert isinstance(ws.wait_for_auth(), AuthenticationMessage)

    async def test_anonymous(self) -> None:
        """`self.communicator` has no credentials, and is told so."""
        await self.communicator.connect()
        auth = await self.communicator.wait_for_auth(max_auth_time=AGES)
        assert auth is not None
        assert auth.payload.status_code == 403
        assert auth.payload.data["detail"].endswith("were not provided.")
        await self.communicator.assert_closed()
        assert self.communicator is not self.auth_communicator

    async def test_refusal_by_permission(self) -> None:
        """Status, text and payload of a refusal are read; the code is known."""
        _, headers = await self.acreate_user_and_ws_headers()
        stranger = self.create_communicator(headers=headers, name="mallory")
        await stranger.connect()
        with self.assertRaisesMessage(UnexpectedMessage, "status 403, not 200"):
            await stranger.assert_authenticated_status_ok()
        await stranger.expect_closed(4403)

    @override_chanx_settings(SEND_AUTHENTICATION_MESSAGE=False)
    async def test_refusal_without_a_message(self) -> None:
        """Without an authentication message the close is all there is."""
        await self.communicator.connect()
        assert await self.communicator.wait_for_auth(max_auth_time=AGES) is None
        await self.communicator.assert_closed(4403)

    async def test_message_that_is_refused_is_not_broadcast(self) -> None:
        """An invalid message is answered to its sender alone."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        bob = await self.member("bob")
        await self.auth_communicator.send_json({"action": "say", "payload": 7})
        error = await self.auth_communicator.receive_message(ErrorMessage)
        assert error.payload[0]["loc"] == ["say", "payload"]
        assert await bob.receive_nothing(AGES)

    async def test_frames_that_are_no_json(self) -> None:
        """chanx answers them, and the connection stays."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        await self.auth_communicator.send_to(text_data="no json")
        error = await self.auth_communicator.receive_message(ErrorMessage)
        assert error.payload[0]["type"] == "json_invalid"
        await self.auth_communicator.send_to(bytes_data=b"\0")
        error = await self.auth_communicator.receive_message(ErrorMessage)
        assert "binary frames are not supported" in error.payload[0]["msg"]

    async def test_no_authentication_message_where_there_is_no_authenticator(
        self,
    ) -> None:
        """It is said at once, not after the time that it might have taken."""
        ws = self.create_communicator(ws_path="/ws/jobs/")
        await ws.connect()
        with self.assertRaisesMessage(NoMessage, "no authentication message"):
            await ws.wait_for_auth(max_auth_time=AGES)


class BasicAuthenticator(DjangoAuthenticator):
    authentication_classes = [BasicAuthentication]
    permission_classes = [IsAuthenticated]


class BasicConsumer(ChanxConsumer):
    authenticator_class = BasicAuthenticator

    @ws_handler
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()


class HeaderTests(WebsocketTestCase):
    consumer = BasicConsumer
    ws_path = "/ws/basic/"
    router = URLRouter([path("ws/basic/", BasicConsumer.as_asgi())])

    async def test_credentials_in_a_header(self) -> None:
        """REST framework's authentication reads the headers of the connection."""
        await sync_to_async(self.create_user)(username="ann", password="secret")
        ws = self.create_communicator(headers=basic_headers("ann", "secret"))
        await ws.connect()
        await ws.assert_authenticated_status_ok()
        wrong = self.create_communicator(headers=basic_headers("ann", "guess"))
        await wrong.connect()
        auth = await wrong.wait_for_auth()
        assert auth is not None
        assert auth.payload.status_code == 401
        assert auth.payload.data == {"detail": "Invalid username/password."}
        await wrong.assert_closed()


class CaptureTests(RoomTestCase):
    async def test_view(self) -> None:
        """What a view broadcasts is recorded, without any connection."""
        await self.alogin(self.user)
        url = f"/rooms/{self.room.pk}/announcements/"
        with capture_broadcast_events(ChatConsumer) as captured:
            await sync_to_async(self.client.post)(url, {"text": "tea"})
        (record,) = captured
        assert record.event == Announcement(payload="tea")
        assert record.groups == [f"room.{self.room.pk}"]

    async def test_subclass(self) -> None:
        """Calls through a subclass are recorded, and the class is as it was found."""
        before = dict(vars(ChatConsumer))
        with capture_broadcast_events(ChatConsumer) as captured:
            await CamelConsumer.broadcast_event(Announcement(payload="tea"), "room.1")
        assert [record.event.payload for record in captured] == ["tea"]
        assert dict(vars(ChatConsumer)) == before

    async def test_layer(self) -> None:
        """What goes over the layer is recorded, whoever sends it."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        with capture_broadcasts("default") as captured:
            await self.auth_communicator.send_message(Whisper(payload="psst"))
            await self.auth_communicator.settle()
        (record,) = captured
        assert record.group == f"room.{self.room.pk}"
        assert record.message["exclude_current"] is True


class CompletionTests(WebsocketTestCase):
    """Completion messages follow chanx's settings; nothing here needs them."""

    consumer = JobConsumer
    ws_path = "/ws/jobs/"

    async def ping(self, **options: Any) -> Any:
        ws = self.create_communicator(**options)
        await ws.connect()
        await ws.send_message(PingMessage())
        return ws

    async def test_off(self) -> None:
        """Without them a collection ends as soon as nothing can come."""
        with settings_context(SEND_COMPLETION=False):
            ws = await self.ping()
            assert await ws.receive_all_messages(timeout=AGES) == [PongMessage()]
            await ws.send_message(PingMessage())
            assert await ws.receive_all_json(timeout=AGES) == [
                {"action": "pong", "payload": None}
            ]

    async def test_on(self) -> None:
        """With them they are left out of messages, and kept in frames."""
        ws = await self.ping()
        assert await ws.receive_all_messages(timeout=AGES) == [PongMessage()]
        await ws.send_message(PingMessage())
        frames = await ws.receive_all_json(timeout=AGES)
        assert [frame["action"] for frame in frames] == ["pong", "complete"]

    async def test_consumer_that_sends_none(self) -> None:
        """A consumer's own switch stays as it is."""
        ws = await self.ping(ws_path="/ws/quiet/", consumer=QuietConsumer)
        assert await ws.receive_all_json(timeout=AGES) == [
            {"action": "pong", "payload": None}
        ]
        assert QuietConsumer.send_completion is False

    async def test_nothing_is_left_on_the_class(self) -> None:
        """Nor is one put on a consumer class."""
        ws = await self.ping()
        assert await ws.receive_all_messages() == [PongMessage()]
        assert "send_completion" not in vars(JobConsumer)


class CamelTests(RoomTestCase):
    async def say(self, **options: Any) -> Any:
        ws = self.create_communicator(**options)
        await ws.connect()
        await ws.assert_authenticated_status_ok()
        await ws.send_message(Say(payload="hello"))
        return ws

    async def spoken(self, ws: Any) -> None:
        (said,) = await ws.receive_all_messages(GROUP_ACTION_COMPLETE)
        assert said.payload.user_name == "ann"
        assert '"userName": "ann"' in str(ws.transcript)

    @override_chanx_settings(CAMELIZE=True)
    async def test_by_chanx_settings(self) -> None:
        """A setting for all consumers."""
        await self.spoken(await self.say())

    async def test_by_django_settings(self) -> None:
        """The same by Django's own override."""
        module = chanx.channels.settings  # keeps the object that it makes for it
        with (
            patch.object(module, "chanx_settings", module.chanx_settings),
            override_settings(CHANX={"CAMELIZE": True}),
        ):
            await self.spoken(await self.say())

    async def test_by_consumer(self) -> None:
        """A consumer's own choice."""
        camel = f"/ws/camel/{self.room.pk}/"
        await self.spoken(await self.say(ws_path=camel, consumer=CamelConsumer))

    @override_chanx_settings(CAMELIZE=True)
    async def test_without_a_consumer(self) -> None:
        """Plain JSON is converted where the test case knows no consumer."""
        self.consumer = None
        ws = self.create_communicator()
        await ws.connect()
        await ws.assert_authenticated_status_ok()
        await ws.send_message({"action": "say", "payload": "hello"})
        (said,) = await ws.receive_all_messages(GROUP_ACTION_COMPLETE)
        assert said["payload"]["user_name"] == "ann"


class KindPayload(BaseModel):
    kind: Literal["hello"] = "hello"
    to: str


class KindConsumer(AsyncJsonWebsocketConsumer):
    """Tells messages apart by another field than chanx 2 can."""

    discriminator_field = "kind"
    outgoing_message_adapter = TypeAdapter(KindPayload)

    async def receive_json(self, content: Any, **_: Any) -> None:
        await self.send_json({"kind": "hello", "to": content["from"]})
        await self.send_json({"kind": "complete"})


class DiscriminatorTests(WebsocketTestCase):
    consumer = KindConsumer
    ws_path = "/ws/kind/"
    router = URLRouter([path("ws/kind/", KindConsumer.as_asgi())])

    async def test_field_of_the_consumer(self) -> None:
        """Messages, completions and stops go by the consumer's own field."""
        await self.auth_communicator.connect()
        await self.auth_communicator.send_json({"from": "ann"})
        found = await self.auth_communicator.receive_all_messages(timeout=AGES)
        assert found == [KindPayload(to="ann")]

    async def test_chanx_cannot(self) -> None:
        """chanx 2.13 has the attribute, but no consumer can be declared with it."""
        with self.assertRaises(KeyError):
            type("Kind", (ChanxConsumer,), {"discriminator_field": "kind"})


class JobTests(WebsocketTestCase):
    consumer = JobConsumer
    ws_path = "/ws/jobs/"

    async def test_a_job_in_a_thread(self) -> None:
        """An event that a thread sends arrives, though the loop is idle by then."""
        await self.auth_communicator.connect()
        await self.auth_communicator.send_message(Order(payload="in a thread"))
        found = [
            await self.auth_communicator.receive_message(),
            await self.auth_communicator.receive_message(timeout=10),
        ]
        assert Ordered(payload="in a thread") in found
        assert Done(payload="IN A THREAD") in found


class TopicTests(WebsocketTestCase):
    consumer = HubConsumer
    ws_path = "/ws/hub/"

    async def test_two_clients(self) -> None:
        """What is published reaches each who has subscribed, and no other."""
        async with (
            self.create_communicator(name="ann") as ann,
            self.create_communicator(name="bob") as bob,
        ):
            await ann.subscribe("room:lobby")
            await bob.subscribe("room:attic")
            await RoomTopic.broadcast("room:lobby", Announcement(payload="x"), seq=3)
            assert await ann.receive_topic_message(RoomTopic) == Announced(payload="x")
            assert await bob.receive_nothing(AGES)

    async def test_topic_on_a_route_of_its_own(self) -> None:
        """It is subscribed by connecting, and needs no envelope."""
        ws = self.create_communicator(
            ws_path="/ws/room/lobby/", consumer=RoomTopicConsumer
        )
        await ws.connect()
        assert (await ws.receive_json())["action"] == "subscribed"
        await ws.send_message(Say(payload="hi"))
        frame = await ws.receive_json()
        assert (frame["action"], frame["topic"]) == ("said", "room:lobby")
