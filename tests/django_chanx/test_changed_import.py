"""Tests as chanx's users write them, which pass when only the import is changed.

`WSTEST_BASE` chooses the import; `test_both_imports.py` runs this with chanx's.
"""

import os
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from chanx.channels.routing import path
from chanx.channels.utils.settings import override_chanx_settings
from chanx.constants import (
    EVENT_ACTION_COMPLETE,
    GROUP_ACTION_COMPLETE,
    MESSAGE_ACTION_COMPLETE,
)
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from project.consumers import ChatConsumer, HubConsumer, JobConsumer, RoomTopic
from project.messages import (
    Announced,
    Announcement,
    Count,
    Counted,
    Done,
    Number,
    Order,
    Ordered,
    Removed,
    Said,
    Say,
    Whisper,
)
from project.models import Post, Room
from project.tasks import start_job
from rest_framework.test import APIClient

if os.environ.get("WSTEST_BASE") == "chanx":
    from chanx.channels.testing import WebsocketTestCase
    from chanx.core.testing import capture_broadcast_events, capture_topic_broadcasts
else:
    from wstest_django import (
        WebsocketTestCase,
        capture_broadcast_events,
        capture_topic_broadcasts,
    )

User = get_user_model()


class ChatTestCase(WebsocketTestCase):
    """A base class of the project's own, as chanx's guide has it."""

    consumer = ChatConsumer

    def setUp(self) -> None:
        self.user, self.ws_headers = self.create_user_and_ws_headers()
        super().setUp()
        self.room = Room.objects.create(name="lobby")
        self.room.members.add(self.user)
        self.ws_path = f"/ws/chat/{self.room.pk}/"

    def create_user_and_ws_headers(self) -> tuple[Any, list[tuple[bytes, bytes]]]:
        user = User.objects.create_user(f"user{User.objects.count()}")
        client = Client()
        client.force_login(user)
        cookie = f"sessionid={client.cookies['sessionid'].value}"
        origin = b"http://localhost"
        return user, [(b"cookie", cookie.encode()), (b"origin", origin)]

    async def acreate_user_and_ws_headers(self) -> Any:
        return await sync_to_async(self.create_user_and_ws_headers)()

    def get_ws_headers(self) -> list[tuple[bytes, bytes]]:
        return self.ws_headers

    def create_communicator(self, **kwargs: Any) -> Any:
        communicator = super().create_communicator(**kwargs)
        self.addCleanup(self.assertIs, communicator.consumer, self.consumer)
        return communicator


class ChatTests(ChatTestCase):
    async def test_connect_and_ping(self) -> None:
        """A message and its reply, after a login."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        await self.auth_communicator.send_message(PingMessage())
        messages = await self.auth_communicator.receive_all_messages()
        assert messages == [PongMessage()]

    async def test_two_users(self) -> None:
        """A broadcast reaches every member, and is stored."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        second, headers = await self.acreate_user_and_ws_headers()
        await self.room.members.aadd(second)
        other = self.create_communicator(headers=headers)
        await other.connect()
        await other.assert_authenticated_status_ok()
        await self.auth_communicator.send_message(Say(payload="hello"))
        for each in (self.auth_communicator, other):
            (said,) = await each.receive_all_messages(stop_action=GROUP_ACTION_COMPLETE)
            assert isinstance(said, Said)
            assert said.payload.user_name == self.user.get_username()
            assert said.payload.text == "hello"
        assert await Post.objects.filter(text="hello").acount() == 1

    async def test_broadcast_that_leaves_the_sender_out(self) -> None:
        """The sender hears nothing of it."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        second, headers = await self.acreate_user_and_ws_headers()
        await self.room.members.aadd(second)
        other = self.create_communicator(headers=headers)
        await other.connect()
        await other.assert_authenticated_status_ok()
        await self.auth_communicator.send_message(Whisper(payload="psst"))
        own = await self.auth_communicator.receive_all_messages(
            stop_action=GROUP_ACTION_COMPLETE, timeout=0.2
        )
        assert own == []
        found = await other.receive_all_messages(stop_action=GROUP_ACTION_COMPLETE)
        assert [message.action for message in found] == ["said"]

    async def test_permission_refused(self) -> None:
        """Who is no member is told so, and the connection is closed."""
        _, headers = await self.acreate_user_and_ws_headers()
        stranger = self.create_communicator(headers=headers)
        await stranger.connect()
        auth = await stranger.wait_for_auth(max_auth_time=1000)
        assert auth is not None
        assert auth.payload.status_code == 403
        assert auth.payload.status_text == "Forbidden"
        assert auth.payload.data == {"detail": "Members only."}
        await stranger.assert_closed()

    async def test_unauthenticated(self) -> None:
        """So is who is not logged in."""
        nobody = self.create_communicator(headers=[(b"origin", b"http://localhost")])
        await nobody.connect()
        auth = await nobody.wait_for_auth()
        assert auth is not None
        assert auth.payload.status_code == 403
        assert "credentials were not provided" in auth.payload.data["detail"]
        await nobody.assert_closed()

    async def test_unknown_room(self) -> None:
        """An object that is not there is a 404."""
        lost = self.create_communicator(ws_path="/ws/chat/999999/")
        await lost.connect()
        auth = await lost.wait_for_auth()
        assert auth is not None
        assert auth.payload.status_code == 404
        await lost.assert_closed()

    async def test_invalid_messages(self) -> None:
        """What does not validate is answered with an error, and then it goes on."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        for wrong, kind in (
            ({"action": "nonsense", "payload": 1}, "union_tag_invalid"),
            ({"action": "say", "payload": ["no text"]}, "string_type"),
            ({"payload": "no action"}, "union_tag_not_found"),
        ):
            await self.auth_communicator.send_json_to(wrong)
            (error,) = await self.auth_communicator.receive_all_messages()
            assert error.action == "error"
            assert error.payload[0]["type"] == kind
        await self.auth_communicator.send_message(PingMessage())
        assert await self.auth_communicator.receive_all_messages() == [PongMessage()]

    async def test_handler_that_raises(self) -> None:
        """chanx answers with an error of its own."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        await self.auth_communicator.send_json_to({"action": "break"})
        (error,) = await self.auth_communicator.receive_all_messages()
        assert error.payload == {"detail": "Failed to process message for break"}

    async def test_streaming(self) -> None:
        """A stream is collected up to its completion, or to a custom action."""
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        expected = [*(Number(payload=number) for number in range(3)), Counted()]
        await self.auth_communicator.send_message(Count(payload=3))
        found = await self.auth_communicator.receive_all_messages(
            stop_action=MESSAGE_ACTION_COMPLETE
        )
        assert found == expected
        await self.auth_communicator.send_message(Count(payload=3))
        found = await self.auth_communicator.receive_all_messages(stop_action="counted")
        assert found == expected


class OutsideTests(ChatTestCase):
    """Events from the rest of the application."""

    async def asyncSetUpOfProject(self) -> None:
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        # chanx accepts before it joins groups; its users go round once to be sure.
        await self.auth_communicator.send_message(PingMessage())
        await self.auth_communicator.receive_all_messages()

    async def announced(self) -> Any:
        return await self.auth_communicator.receive_all_messages(
            stop_action=EVENT_ACTION_COMPLETE
        )

    async def test_broadcast_event(self) -> None:
        """From the test itself."""
        await self.asyncSetUpOfProject()
        await ChatConsumer.broadcast_event(
            Announcement(payload="tea"), groups=[f"room.{self.room.pk}"]
        )
        assert await self.announced() == [Announced(payload="tea")]

    async def test_http_view(self) -> None:
        """From an HTTP view of REST framework."""
        await self.asyncSetUpOfProject()
        api = APIClient()
        api.force_authenticate(self.user)
        url = f"/rooms/{self.room.pk}/announcements/"
        response = await sync_to_async(api.post)(url, {"text": "tea"}, format="json")
        assert response.status_code == 201
        assert await self.announced() == [Announced(payload="tea")]

    async def test_async_client(self) -> None:
        """By Django's own client for coroutines."""
        await self.asyncSetUpOfProject()
        await self.async_client.aforce_login(self.user)
        url = f"/rooms/{self.room.pk}/announcements/"
        response = await self.async_client.post(url, {"text": "tea"})
        assert response.status_code == 201
        assert await self.announced() == [Announced(payload="tea")]

    async def test_management_command(self) -> None:
        """From a management command."""
        await self.asyncSetUpOfProject()
        with open(os.devnull, "w") as nowhere:
            await sync_to_async(call_command)(
                "announce", self.room.pk, "tea", stdout=nowhere
            )
        assert await self.announced() == [Announced(payload="tea")]

    async def test_removal_of_oneself(self) -> None:
        """An event may close the connection."""
        await self.asyncSetUpOfProject()
        api = APIClient()
        api.force_authenticate(self.user)
        url = f"/rooms/{self.room.pk}/members/{self.user.pk}/"
        response = await sync_to_async(api.delete)(url)
        assert response.status_code == 204
        (removed,) = await self.auth_communicator.receive_all_messages(
            stop_action=Removed().action
        )
        assert removed == Removed()
        await self.auth_communicator.assert_closed(4003)

    @patch("project.tasks.do_job")
    async def test_patch_on_the_test(self, do_job: Mock) -> None:
        """A decorator hands the mock to the test, as ever."""
        await self.asyncSetUpOfProject()
        await sync_to_async(start_job)("quick", "some.channel")
        do_job.assert_called_once_with("quick", "some.channel")

    async def test_mocks(self) -> None:
        """A mock holds in the consumer, too."""
        with patch("project.consumers.Post") as post:
            post.objects.acreate = AsyncMock()
            await self.asyncSetUpOfProject()
            await self.auth_communicator.send_message(Say(payload="hello"))
            await self.auth_communicator.receive_all_messages(GROUP_ACTION_COMPLETE)
        post.objects.acreate.assert_awaited_once_with(room=self.room, text="hello")


class OpenTestCase(WebsocketTestCase):
    """Of consumers that are open to everybody, from this origin."""

    def get_ws_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"origin", b"http://localhost")]


class CaptureTests(OpenTestCase):
    """Events that are recorded."""

    consumer = JobConsumer
    ws_path = "/ws/jobs/"

    async def test_suppressed(self) -> None:
        """They are recorded and go nowhere."""
        await self.auth_communicator.connect()
        with capture_broadcast_events(JobConsumer) as captured:
            await JobConsumer.broadcast_event(Done(payload="one"), groups=["jobs"])
            await JobConsumer.broadcast_event(Done(payload="two"), groups="jobs")
        assert [record.event for record in captured] == [
            Done(payload="one"),
            Done(payload="two"),
        ]
        assert [record.groups for record in captured] == [["jobs"], "jobs"]
        assert await self.auth_communicator.receive_nothing()

    async def test_delivered(self) -> None:
        """Or they are delivered, too."""
        await self.auth_communicator.connect()
        await self.auth_communicator.send_message(PingMessage())
        await self.auth_communicator.receive_all_messages()
        with capture_broadcast_events(JobConsumer, suppress=False) as captured:
            await JobConsumer.broadcast_event(Done(payload="one"))
            found = await self.auth_communicator.receive_all_messages(
                stop_action=EVENT_ACTION_COMPLETE
            )
        assert found == [record.event for record in captured] == [Done(payload="one")]

    async def test_topic(self) -> None:
        """What a topic publishes is recorded likewise."""
        with capture_topic_broadcasts(RoomTopic) as captured:
            await RoomTopic.broadcast("room:lobby", Announcement(payload="x"), seq=7)
        (record,) = captured
        assert (record.topic, record.event, record.seq) == (
            "room:lobby",
            Announcement(payload="x"),
            7,
        )


class SettingsTests(OpenTestCase):
    """chanx's settings, overridden for a test."""

    consumer = JobConsumer
    ws_path = "/ws/jobs/"

    @override_chanx_settings(SEND_COMPLETION=True)
    async def test_completion_is_sent(self) -> None:
        """A completion message is a frame."""
        await self.auth_communicator.connect()
        await self.auth_communicator.send_message(PingMessage())
        frames = await self.auth_communicator.receive_all_json(timeout=0.2)
        assert [frame["action"] for frame in frames] == ["pong", "complete"]

    @override_chanx_settings(SEND_COMPLETION=False)
    async def test_completion_is_not_sent(self) -> None:
        """Nor is there one, where the settings want none."""
        await self.auth_communicator.connect()
        await self.auth_communicator.send_message(PingMessage())
        frames = await self.auth_communicator.receive_all_json(timeout=0.2)
        assert [frame["action"] for frame in frames] == ["pong"]

    @override_chanx_settings(SEND_AUTHENTICATION_MESSAGE=False)
    async def test_no_authentication_message(self) -> None:
        """None is waited for where none is sent."""
        await self.auth_communicator.connect()
        assert await self.auth_communicator.wait_for_auth(max_auth_time=0.1) is None


class CamelTests(ChatTestCase):
    """Models are in snake_case in the test, and in camelCase on the wire."""

    async def say(self) -> None:
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        await self.auth_communicator.send_message(Say(payload="hello"))

    @override_chanx_settings(CAMELIZE=True)
    async def test_on_the_wire(self) -> None:
        """Each key of a frame is converted."""
        await self.say()
        frames = await self.auth_communicator.receive_all_json(timeout=0.2)
        (said,) = [frame for frame in frames if frame["action"] == "said"]
        assert said["payload"]["userName"] == self.user.get_username()

    @override_chanx_settings(CAMELIZE=True)
    async def test_in_the_test(self) -> None:
        """Messages are as they were declared."""
        await self.say()
        (said,) = await self.auth_communicator.receive_all_messages(
            stop_action=GROUP_ACTION_COMPLETE
        )
        assert said.payload.user_name == self.user.get_username()

    async def test_without(self) -> None:
        """Nothing is converted unless it is asked for."""
        await self.say()
        frames = await self.auth_communicator.receive_all_json(timeout=0.2)
        (said,) = [frame for frame in frames if frame["action"] == "said"]
        assert "user_name" in said["payload"]


class JobTests(OpenTestCase):
    """An event for one channel, from wherever a job is done."""

    consumer = JobConsumer
    ws_path = "/ws/jobs/"

    async def test_order(self) -> None:
        """The order is confirmed, and the job is done."""
        await self.auth_communicator.connect()
        await self.auth_communicator.send_message(Order(payload="quick"))
        found = await self.auth_communicator.receive_all_messages(
            stop_action=EVENT_ACTION_COMPLETE
        )
        assert sorted(found, key=lambda message: message.action) == [
            Done(payload="QUICK"),
            Ordered(payload="quick"),
        ]


class TopicTests(WebsocketTestCase):
    """Topics, over a connection of Channels."""

    consumer = HubConsumer
    ws_path = "/ws/hub/"
    router = URLRouter([path("ws/hub/", HubConsumer.as_asgi())])

    async def test_subscribe_and_hear(self) -> None:
        """A topic is subscribed, addressed, and heard."""
        await self.auth_communicator.connect()
        reply = await self.auth_communicator.subscribe("room:lobby")
        assert (reply["action"], reply["topic"]) == ("subscribed", "room:lobby")
        await self.auth_communicator.send_message(
            Say(payload="hi"), topic="room:lobby", ref="2"
        )
        frame = await self.auth_communicator.receive_json_from()
        assert (frame["action"], frame["ref"]) == ("said", "2")

    async def test_broadcast(self) -> None:
        """What is published on a topic arrives, until it is left."""
        await self.auth_communicator.connect()
        await self.auth_communicator.subscribe("room:lobby")
        await RoomTopic.broadcast("room:lobby", Announcement(payload="x"), seq=3)
        found = await self.auth_communicator.receive_topic_message(RoomTopic)
        assert found == Announced(payload="x")

    async def test_unsubscribe(self) -> None:
        """After it has been left, nothing does."""
        await self.auth_communicator.connect()
        await self.auth_communicator.subscribe("room:lobby")
        left = await self.auth_communicator.unsubscribe("room:lobby", ref="2")
        assert left["action"] == "unsubscribed"
        await RoomTopic.broadcast("room:lobby", Announcement(payload="gone"))
        assert await self.auth_communicator.receive_nothing(timeout=0.2)

    async def test_refusals(self) -> None:
        """A topic that is unknown or forbidden says why."""
        await self.auth_communicator.connect()
        secret = await self.auth_communicator.subscribe("secret:plans")
        assert secret["payload"]["reason"] == "unauthorized"
        unknown = await self.auth_communicator.subscribe("nope:1", ref="2")
        assert unknown["payload"]["reason"] == "unknown_topic"
        allowed = await self.auth_communicator.subscribe("secret:open", ref="3")
        assert allowed["action"] == "subscribed"
