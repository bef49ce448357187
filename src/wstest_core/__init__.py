"""Test WebSocket applications over ASGI.

Names are loaded when they are first used, so importing this package, which
the pytest plugin does in every run, costs next to nothing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wstest_core.lazy import loader

if TYPE_CHECKING:
    from wstest_core._version import (
        __version__,
    )
    from wstest_core.application import (
        ApplicationCommunicator,
    )
    from wstest_core.capture import (
        capture_broadcast_events,
        capture_broadcasts,
        capture_topic_broadcasts,
    )
    from wstest_core.clock import (
        virtual_clock,
    )
    from wstest_core.codecs import (
        BytesCodec,
        CamelCaseCodec,
        Codec,
        JsonCodec,
        ModelCodec,
        TextCodec,
    )
    from wstest_core.communicator import (
        WebsocketCommunicator,
    )
    from wstest_core.conformance import (
        check_codec,
        check_driver,
    )
    from wstest_core.constants import (
        COMPLETE_ACTIONS,
        EVENT_ACTION_COMPLETE,
        GROUP_ACTION_COMPLETE,
        MESSAGE_ACTION_COMPLETE,
    )
    from wstest_core.credentials import (
        basic_headers,
        bearer_headers,
        cookie_headers,
        with_query_token,
    )
    from wstest_core.drivers import (
        AsgiDriver,
        Driver,
        NetworkDriver,
    )
    from wstest_core.errors import (
        ApplicationCrashed,
        ConnectionClosed,
        ConnectionRejected,
        IllegalAsgiEvent,
        LingeringApplicationWarning,
        NoMessage,
        UndecodableFrame,
        UnexpectedMessage,
        UnofferedSubprotocolWarning,
        UnreadMessages,
        UnreadMessagesWarning,
        WebSocketTestError,
    )
    from wstest_core.live import (
        LiveServer,
        live_server,
    )
    from wstest_core.messages import (
        AuthenticationMessage,
        AuthenticationPayload,
        BaseMessage,
        CompleteMessage,
        ErrorMessage,
        EventCompleteMessage,
        GroupCompleteMessage,
        PingMessage,
        PongMessage,
    )
    from wstest_core.stop import (
        Stop,
        on_action,
        on_close,
        on_count,
        on_match,
        on_type,
        when_quiet,
    )
    from wstest_core.sync import (
        SyncWebsocketCommunicator,
    )
    from wstest_core.transcript import (
        Transcript,
    )

__all__ = [
    "COMPLETE_ACTIONS",
    "EVENT_ACTION_COMPLETE",
    "GROUP_ACTION_COMPLETE",
    "MESSAGE_ACTION_COMPLETE",
    "ApplicationCommunicator",
    "ApplicationCrashed",
    "AsgiDriver",
    "AuthenticationMessage",
    "AuthenticationPayload",
    "BaseMessage",
    "BytesCodec",
    "CamelCaseCodec",
    "Codec",
    "CompleteMessage",
    "ConnectionClosed",
    "ConnectionRejected",
    "Driver",
    "ErrorMessage",
    "EventCompleteMessage",
    "GroupCompleteMessage",
    "IllegalAsgiEvent",
    "JsonCodec",
    "LingeringApplicationWarning",
    "LiveServer",
    "ModelCodec",
    "NetworkDriver",
    "NoMessage",
    "PingMessage",
    "PongMessage",
    "Stop",
    "SyncWebsocketCommunicator",
    "TextCodec",
    "Transcript",
    "UndecodableFrame",
    "UnexpectedMessage",
    "UnofferedSubprotocolWarning",
    "UnreadMessages",
    "UnreadMessagesWarning",
    "WebSocketTestError",
    "WebsocketCommunicator",
    "__version__",
    "basic_headers",
    "bearer_headers",
    "capture_broadcast_events",
    "capture_broadcasts",
    "capture_topic_broadcasts",
    "check_codec",
    "check_driver",
    "cookie_headers",
    "live_server",
    "on_action",
    "on_close",
    "on_count",
    "on_match",
    "on_type",
    "virtual_clock",
    "when_quiet",
    "with_query_token",
]

_HOMES = {
    "ApplicationCommunicator": "application",
    "ApplicationCrashed": "errors",
    "AsgiDriver": "drivers",
    "AuthenticationMessage": "messages",
    "AuthenticationPayload": "messages",
    "BaseMessage": "messages",
    "BytesCodec": "codecs",
    "COMPLETE_ACTIONS": "constants",
    "CamelCaseCodec": "codecs",
    "Codec": "codecs",
    "CompleteMessage": "messages",
    "ConnectionClosed": "errors",
    "ConnectionRejected": "errors",
    "Driver": "drivers",
    "EVENT_ACTION_COMPLETE": "constants",
    "ErrorMessage": "messages",
    "EventCompleteMessage": "messages",
    "GROUP_ACTION_COMPLETE": "constants",
    "GroupCompleteMessage": "messages",
    "IllegalAsgiEvent": "errors",
    "JsonCodec": "codecs",
    "LingeringApplicationWarning": "errors",
    "LiveServer": "live",
    "MESSAGE_ACTION_COMPLETE": "constants",
    "ModelCodec": "codecs",
    "NetworkDriver": "drivers",
    "NoMessage": "errors",
    "PingMessage": "messages",
    "PongMessage": "messages",
    "Stop": "stop",
    "SyncWebsocketCommunicator": "sync",
    "TextCodec": "codecs",
    "Transcript": "transcript",
    "UndecodableFrame": "errors",
    "UnexpectedMessage": "errors",
    "UnofferedSubprotocolWarning": "errors",
    "UnreadMessages": "errors",
    "UnreadMessagesWarning": "errors",
    "WebSocketTestError": "errors",
    "WebsocketCommunicator": "communicator",
    "__version__": "_version",
    "basic_headers": "credentials",
    "bearer_headers": "credentials",
    "capture_broadcast_events": "capture",
    "capture_broadcasts": "capture",
    "capture_topic_broadcasts": "capture",
    "check_codec": "conformance",
    "check_driver": "conformance",
    "cookie_headers": "credentials",
    "live_server": "live",
    "on_action": "stop",
    "on_close": "stop",
    "on_count": "stop",
    "on_match": "stop",
    "on_type": "stop",
    "virtual_clock": "clock",
    "when_quiet": "stop",
    "with_query_token": "credentials",
}


__getattr__: Callable[[str], object] = loader(
    globals(), {name: f"{__name__}.{home}" for name, home in _HOMES.items()}
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
