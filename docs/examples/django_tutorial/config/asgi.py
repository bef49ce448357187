"""What a server runs: HTTP by Django, WebSockets by the consumers."""

import os

from channels.routing import ProtocolTypeRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()

router = import_string(f"{settings.SOCKETS}.routing.router")
application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(router)}
)
