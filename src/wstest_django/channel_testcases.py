"""Channels 1's test cases: channels, groups and consumers, in plain tests."""

from collections.abc import Collection

from wstest_django import layers
from wstest_django.channel_client import next_message
from wstest_django.layers import LayerMessage
from wstest_django.testcases import (
    WebsocketTestCase,
    WebsocketTests,
    WebsocketTransactionTestCase,
)

__all__ = ["ChannelTestCase", "TransactionChannelTestCase"]


class _ChannelTests(WebsocketTests):
    """What both test cases of Channels 1 have. See `ChannelTestCase`."""

    test_channel_aliases: Collection[str] | None = ("default",)

    def send(self, channel: str, message: LayerMessage, alias: str = "default") -> None:
        """Put a message on a channel."""
        layers.send_to_channel(alias, channel, message)

    def get_next_message(
        self, channel: str, alias: str = "default", require: bool = False
    ) -> LayerMessage | None:
        """Take the next message of a channel; None if there is none.

        Raises:
            NoMessage: if there is none, and one is required; it says what there
                is on the layer.
        """
        return next_message(alias, channel, require=require)

    def group_add(self, group: str, channel: str, alias: str = "default") -> None:
        """Let a channel have what is sent to a group."""
        layers.join_group(alias, group, channel)

    def group_send(
        self, group: str, message: LayerMessage, alias: str = "default"
    ) -> None:
        """Put a message on each channel of a group."""
        layers.send_to_group(alias, group, message)


class ChannelTestCase(_ChannelTests, WebsocketTestCase):
    """Channels 1's test case: plain tests of channels, groups and consumers.

    Each layer of `test_channel_aliases` is one in memory, empty at the start of
    each test. `Client` and `WSClient` run consumers, and are closed with the
    test. Whatever `WebsocketTestCase` can do is there, too.
    """

    __module__ = "wstest_django"


class TransactionChannelTestCase(_ChannelTests, WebsocketTransactionTestCase):
    """A `ChannelTestCase` whose database is flushed after each test."""

    __module__ = "wstest_django"
