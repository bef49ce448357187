"""Test WebSockets of FastAPI, Starlette and fast-channels applications.

Names are loaded when they are first used, so importing this package, which
the pytest plugin does in every run, costs next to nothing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wstest_core.lazy import lister, loader, require
from wstest_fastapi._extras import need_http, need_live

if TYPE_CHECKING:
    from wstest_core.capture import (
        capture_broadcast_events,
        capture_topic_broadcasts,
    )
    from wstest_core.communicator import (
        WebsocketCommunicator,
    )
    from wstest_core.credentials import (
        basic_headers,
        bearer_headers,
        cookie_headers,
        with_query_token,
    )
    from wstest_core.sync import (
        SyncWebsocketCommunicator,
    )
    from wstest_fastapi.client import (
        AppClient,
        UnfinishedClientWarning,
    )
    from wstest_fastapi.layers import (
        FreshLayer,
        capture_broadcasts,
        fresh_layers,
        group_members,
        pending,
        send_to_channel,
        send_to_group,
    )
    from wstest_fastapi.live import (
        LiveServer,
        live_websocket_server,
    )
    from wstest_fastapi.overrides import (
        dependency_overrides,
    )
    from wstest_fastapi.sync_client import (
        SyncAppClient,
    )

__all__ = [
    "AppClient",
    "FreshLayer",
    "LiveServer",
    "SyncAppClient",
    "SyncWebsocketCommunicator",
    "UnfinishedClientWarning",
    "WebsocketCommunicator",
    "basic_headers",
    "bearer_headers",
    "capture_broadcast_events",
    "capture_broadcasts",
    "capture_topic_broadcasts",
    "cookie_headers",
    "dependency_overrides",
    "fresh_layers",
    "group_members",
    "live_websocket_server",
    "pending",
    "send_to_channel",
    "send_to_group",
    "with_query_token",
]

_HOMES = {
    "AppClient": "wstest_fastapi.client",
    "FreshLayer": "wstest_fastapi.layers",
    "LiveServer": "wstest_core",
    "SyncAppClient": "wstest_fastapi.sync_client",
    "SyncWebsocketCommunicator": "wstest_core",
    "UnfinishedClientWarning": "wstest_fastapi.client",
    "WebsocketCommunicator": "wstest_core",
    "basic_headers": "wstest_core",
    "bearer_headers": "wstest_core",
    "capture_broadcast_events": "wstest_core",
    "capture_broadcasts": "wstest_fastapi.layers",
    "capture_topic_broadcasts": "wstest_core",
    "cookie_headers": "wstest_core",
    "dependency_overrides": "wstest_fastapi.overrides",
    "fresh_layers": "wstest_fastapi.layers",
    "group_members": "wstest_fastapi.layers",
    "live_websocket_server": "wstest_fastapi.live",
    "pending": "wstest_fastapi.layers",
    "send_to_channel": "wstest_fastapi.layers",
    "send_to_group": "wstest_fastapi.layers",
    "with_query_token": "wstest_core",
}


def _needs(home: str) -> None:
    package = "fast_channels" if home.endswith(".layers") else "starlette"
    require(__name__, "fastapi", package)
    if home.endswith("client"):
        need_http()
    if home.endswith(".live"):
        need_live()


__getattr__: Callable[[str], object] = loader(globals(), _HOMES, _needs)
__dir__: Callable[[], list[str]] = lister(globals(), _HOMES, _needs)
