from typing import Any

from channels.routing import URLRouter
from django.urls import path

from sockets.assistant import AssistantConsumer
from sockets.chat import ChatConsumer
from sockets.system import SystemConsumer

# Where Django has views, Channels has consumers; the types know views only.
patterns: list[Any] = [
    path("ws/chat/<slug:room>/", ChatConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/assistant/", AssistantConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/system/", SystemConsumer.as_asgi()),  # type: ignore[arg-type]
]
router = URLRouter(patterns)
