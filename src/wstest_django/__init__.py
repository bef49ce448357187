"""Test WebSockets of Django Channels applications.

Names are loaded when they are first used: importing this package, which the
pytest plugin does in every run, needs neither Django nor its settings.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wstest_core.lazy import lister, loader, require

if TYPE_CHECKING:
    from wstest_core.application import (
        ApplicationCommunicator,
    )
    from wstest_core.capture import (
        capture_broadcast_events,
        capture_topic_broadcasts,
    )
    from wstest_core.credentials import (
        basic_headers,
        bearer_headers,
        cookie_headers,
        with_query_token,
    )
    from wstest_core.live import (
        LiveServer,
    )
    from wstest_django._sockets import (
        Connect,
        ConnectSync,
        LeakedTaskWarning,
    )
    from wstest_django._steps import (
        async_test,
    )
    from wstest_django.applications import (
        websocket_application,
    )
    from wstest_django.channel_client import (
        Client,
    )
    from wstest_django.channel_testcases import (
        ChannelTestCase,
        TransactionChannelTestCase,
    )
    from wstest_django.communicator import (
        APICommunicator,
        SyncWebsocketCommunicator,
        WebsocketCommunicator,
    )
    from wstest_django.configuration import (
        Configuration,
    )
    from wstest_django.database import (
        one_database,
    )
    from wstest_django.http import (
        HttpCommunicator,
    )
    from wstest_django.layers import (
        FreshLayer,
        capture_broadcasts,
        contents,
        fresh_layers,
        group_members,
        join_group,
        next_message,
        pending,
        send_to_channel,
        send_to_group,
    )
    from wstest_django.live import (
        live_websocket_server,
    )
    from wstest_django.live_testcases import (
        ChannelLiveServerTestCase,
        ChannelsLiveServerTestCase,
    )
    from wstest_django.logins import (
        force_login,
        get_headers_for_user,
        session_headers,
        session_headers_for,
    )
    from wstest_django.routing import (
        apply_routes,
    )
    from wstest_django.testcases import (
        WebsocketTestCase,
        WebsocketTransactionTestCase,
    )
    from wstest_django.users import (
        create_user,
    )
    from wstest_django.ws_client import (
        HttpClient,
        WSClient,
    )

__all__ = [
    "APICommunicator",
    "ApplicationCommunicator",
    "ChannelLiveServerTestCase",
    "ChannelTestCase",
    "ChannelsLiveServerTestCase",
    "Client",
    "Configuration",
    "Connect",
    "ConnectSync",
    "FreshLayer",
    "HttpClient",
    "HttpCommunicator",
    "LeakedTaskWarning",
    "LiveServer",
    "SyncWebsocketCommunicator",
    "TransactionChannelTestCase",
    "WSClient",
    "WebsocketCommunicator",
    "WebsocketTestCase",
    "WebsocketTransactionTestCase",
    "apply_routes",
    "async_test",
    "basic_headers",
    "bearer_headers",
    "capture_broadcast_events",
    "capture_broadcasts",
    "capture_topic_broadcasts",
    "contents",
    "cookie_headers",
    "create_user",
    "force_login",
    "fresh_layers",
    "get_headers_for_user",
    "group_members",
    "join_group",
    "live_websocket_server",
    "next_message",
    "one_database",
    "pending",
    "send_to_channel",
    "send_to_group",
    "session_headers",
    "session_headers_for",
    "websocket_application",
    "with_query_token",
]

_HOMES = {
    "APICommunicator": "wstest_django.communicator",
    "ApplicationCommunicator": "wstest_core",
    "ChannelLiveServerTestCase": "wstest_django.live_testcases",
    "ChannelTestCase": "wstest_django.channel_testcases",
    "ChannelsLiveServerTestCase": "wstest_django.live_testcases",
    "Client": "wstest_django.channel_client",
    "Configuration": "wstest_django.configuration",
    "Connect": "wstest_django._sockets",
    "ConnectSync": "wstest_django._sockets",
    "FreshLayer": "wstest_django.layers",
    "HttpClient": "wstest_django.ws_client",
    "HttpCommunicator": "wstest_django.http",
    "LeakedTaskWarning": "wstest_django._sockets",
    "LiveServer": "wstest_core",
    "SyncWebsocketCommunicator": "wstest_django.communicator",
    "TransactionChannelTestCase": "wstest_django.channel_testcases",
    "WSClient": "wstest_django.ws_client",
    "WebsocketCommunicator": "wstest_django.communicator",
    "WebsocketTestCase": "wstest_django.testcases",
    "WebsocketTransactionTestCase": "wstest_django.testcases",
    "apply_routes": "wstest_django.routing",
    "async_test": "wstest_django._steps",
    "basic_headers": "wstest_core",
    "bearer_headers": "wstest_core",
    "capture_broadcast_events": "wstest_core",
    "capture_broadcasts": "wstest_django.layers",
    "capture_topic_broadcasts": "wstest_core",
    "contents": "wstest_django.layers",
    "cookie_headers": "wstest_core",
    "create_user": "wstest_django.users",
    "force_login": "wstest_django.logins",
    "fresh_layers": "wstest_django.layers",
    "get_headers_for_user": "wstest_django.logins",
    "group_members": "wstest_django.layers",
    "join_group": "wstest_django.layers",
    "live_websocket_server": "wstest_django.live",
    "next_message": "wstest_django.layers",
    "one_database": "wstest_django.database",
    "pending": "wstest_django.layers",
    "send_to_channel": "wstest_django.layers",
    "send_to_group": "wstest_django.layers",
    "session_headers": "wstest_django.logins",
    "session_headers_for": "wstest_django.logins",
    "websocket_application": "wstest_django.applications",
    "with_query_token": "wstest_core",
}


def _needs(_home: str) -> None:
    for package in ("django", "channels"):
        require(__name__, "django", package)


__getattr__: Callable[[str], object] = loader(globals(), _HOMES, _needs)
__dir__: Callable[[], list[str]] = lister(globals(), _HOMES, _needs)
