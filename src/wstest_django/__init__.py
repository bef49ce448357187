"""Test WebSockets of Django Channels applications.

Names are loaded when they are first used: importing this package, which the
pytest plugin does in every run, needs neither Django nor its settings.
"""

from typing import TYPE_CHECKING

from wstest_core.lazy import loader, require

if TYPE_CHECKING:
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
    from wstest_django._sockets import (
        LeakedTaskWarning,
    )
    from wstest_django.applications import (
        websocket_application,
    )
    from wstest_django.communicator import (
        APICommunicator,
        SyncWebsocketCommunicator,
        WebsocketCommunicator,
    )
    from wstest_django.database import (
        one_database,
    )
    from wstest_django.layers import (
        FreshLayer,
        capture_broadcasts,
        fresh_layers,
        group_members,
        next_message,
        pending,
        send_to_channel,
        send_to_group,
    )
    from wstest_django.logins import (
        force_login,
        get_headers_for_user,
        session_headers,
        session_headers_for,
    )
    from wstest_django.testcases import (
        WebsocketTestCase,
        WebsocketTransactionTestCase,
        async_test,
    )
    from wstest_django.users import (
        create_user,
    )

__all__ = [
    "APICommunicator",
    "FreshLayer",
    "LeakedTaskWarning",
    "SyncWebsocketCommunicator",
    "WebsocketCommunicator",
    "WebsocketTestCase",
    "WebsocketTransactionTestCase",
    "async_test",
    "basic_headers",
    "bearer_headers",
    "capture_broadcast_events",
    "capture_broadcasts",
    "capture_topic_broadcasts",
    "cookie_headers",
    "create_user",
    "force_login",
    "fresh_layers",
    "get_headers_for_user",
    "group_members",
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
    "FreshLayer": "wstest_django.layers",
    "LeakedTaskWarning": "wstest_django._sockets",
    "SyncWebsocketCommunicator": "wstest_django.communicator",
    "WebsocketCommunicator": "wstest_django.communicator",
    "WebsocketTestCase": "wstest_django.testcases",
    "WebsocketTransactionTestCase": "wstest_django.testcases",
    "async_test": "wstest_django.testcases",
    "basic_headers": "wstest_core",
    "bearer_headers": "wstest_core",
    "capture_broadcast_events": "wstest_core",
    "capture_broadcasts": "wstest_django.layers",
    "capture_topic_broadcasts": "wstest_core",
    "cookie_headers": "wstest_core",
    "create_user": "wstest_django.users",
    "force_login": "wstest_django.logins",
    "fresh_layers": "wstest_django.layers",
    "get_headers_for_user": "wstest_django.logins",
    "group_members": "wstest_django.layers",
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


__getattr__ = loader(globals(), _HOMES, _needs)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
