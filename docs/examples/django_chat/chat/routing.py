from typing import Any

from django.urls import path

from chat.consumers import DirectoryConsumer, RoomConsumer

# Where Django has views, Channels has consumers; the types know views only.
websocket_urlpatterns: list[Any] = [
    path("ws/rooms/", DirectoryConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/rooms/<slug:slug>/", RoomConsumer.as_asgi()),  # type: ignore[arg-type]
]
