from channels.routing import URLRouter
from chanx.channels.routing import path

from sockets_chanx.assistant import AssistantConsumer
from sockets_chanx.chat import ChatConsumer
from sockets_chanx.system import SystemConsumer

router = URLRouter(
    [
        path("ws/chat/<slug:room>/", ChatConsumer.as_asgi()),
        path("ws/assistant/", AssistantConsumer.as_asgi()),
        path("ws/system/", SystemConsumer.as_asgi()),
    ]
)
