"""What is said to who mixes plain code and coroutines, or lacks what settings name."""

from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.test import override_settings
from redis.exceptions import ConnectionError as NoRedis

from wstest_django import (
    ChannelLiveServerTestCase,
    WebsocketTestCase,
    create_user,
    session_headers_for,
    websocket_application,
)

NOBODY_THERE = {"hosts": [("127.0.0.1", 1)]}


class CoroutineTests(WebsocketTestCase):
    databases: ClassVar = {"default"}

    async def test_create_user(self) -> None:
        """The error names what a coroutine awaits instead."""
        for make in (self.create_user, self.create_user_and_ws_headers, create_user):
            with self.assertRaisesMessage(
                SynchronousOnlyOperation, "in a coroutine, await acreate_user()"
            ):
                make()

    async def test_session_headers_for(self) -> None:
        """So it does for a user's headers."""
        user = await self.acreate_user()
        with self.assertRaisesMessage(
            SynchronousOnlyOperation, "in a coroutine, await get_headers_for_user()"
        ):
            session_headers_for(user)


class ApplicationTests(WebsocketTestCase):
    @override_settings(ASGI_APPLICATION="project.nowhere.application")
    def test_import(self) -> None:
        """An application that cannot be imported: what could not be."""
        with self.assertRaisesMessage(
            ImproperlyConfigured,
            "Cannot import ASGI_APPLICATION module 'project.nowhere' (No module named "
            "'project.nowhere'). The test looks for its application there: ",
        ):
            websocket_application()


class _Faulty:
    """Tests that are run by a test, and never by a runner."""

    class WithoutRedis(ChannelLiveServerTestCase):
        databases: ClassVar = {"default", "logs"}
        test_channel_aliases: ClassVar = ["default"]

        def test(self) -> None:
            pass


@override_settings(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "TEST_CONFIG": NOBODY_THERE,
        },
    }
)
class TestConfigTests(WebsocketTestCase):
    test_channel_aliases: ClassVar = []

    def test_redis_does_not_run(self) -> None:
        """A layer that cannot be flushed: which, and why it should be."""
        case = _Faulty.WithoutRedis("test")
        with self.assertRaises(NoRedis) as caught:
            case.setUp()
        self.assertIn(
            "The channel layer 'default' is made with its TEST_CONFIG, and flushed "
            "before each test.",
            caught.exception.__notes__[0],
        )
