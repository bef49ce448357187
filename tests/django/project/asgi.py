from channels.auth import AuthMiddlewareStack
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

http = get_asgi_application()

from project import consumers  # noqa: E402 - models are ready only now

PLAIN = [
    *("Echo", "SyncEcho", "Orm", "Sync", "DatabaseSyncToAsync", "AnyThread"),
    *("Committing", "Closing", "Notes", "WhoAmI", "Refusing", "Raising", "RaisingSync"),
    *("Hanging", "ClosingEarly", "Leaking", "Talkative", "AcceptingLate"),
    *("Translating", "NoteStreams", "Recorder", "Headers", "Counting"),
]
routes = [
    path(f"ws/{name.lower()}/", getattr(consumers, name).as_asgi()) for name in PLAIN
]
routes += [
    path("ws/room/<str:room>/", consumers.Room.as_asgi()),
    path("ws/kept/<str:room>/", consumers.Kept.as_asgi()),
]
websocket = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes)))
background = ChannelNameRouter(
    {
        "thumbnails": consumers.Thumbnails.as_asgi(),
        "notes": consumers.NoteWriter.as_asgi(),
    }
)
application = ProtocolTypeRouter(
    {"http": http, "websocket": websocket, "channel": background}
)
