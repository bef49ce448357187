"""What is sent to many at once, over the channel layer."""

from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

DIRECTORY = "directory"  # the group of those who see which rooms there are


def tell_directory(action: str, **details: str) -> None:
    message = {"action": action, **details}
    send_to_group(DIRECTORY, {"type": "directory.changed", "message": message})


def send_to_group(group: str, event: dict[str, Any]) -> None:
    """From sync code: views, signals, commands."""
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS has no default"
    async_to_sync(layer.group_send)(group, event)
