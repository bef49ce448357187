from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from chanx.channels.routing import path
from django.core.asgi import get_asgi_application

http = get_asgi_application()

from project import consumers  # noqa: E402 - models are ready only now

router = URLRouter(
    [
        path("ws/chat/<int:pk>/", consumers.ChatConsumer.as_asgi()),
        path("ws/camel/<int:pk>/", consumers.CamelConsumer.as_asgi()),
        path("ws/jobs/", consumers.JobConsumer.as_asgi()),
        path("ws/quiet/", consumers.QuietConsumer.as_asgi()),
        path("ws/hub/", consumers.HubConsumer.as_asgi()),
        path("ws/room/<str:name>/", consumers.RoomTopicConsumer.as_asgi()),
    ]
)
websocket = AllowedHostsOriginValidator(AuthMiddlewareStack(router))
application = ProtocolTypeRouter({"http": http, "websocket": websocket})
