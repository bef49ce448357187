"""What type checkers make of a user's code. Checked, never run."""

from typing import Any, assert_type

from pydantic import TypeAdapter

from wstest_core import (
    ModelCodec,
    PingMessage,
    PongMessage,
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
    on_match,
)


async def app(scope: Any, receive: Any, send: Any) -> None: ...


def is_ping(message: PingMessage) -> bool:
    return message.payload is None


async def unions() -> None:
    ws = WebsocketCommunicator(app, "/", messages=PingMessage | PongMessage)
    assert_type(await ws.receive_message(), PingMessage | PongMessage)
    assert_type(await ws.receive_message(PongMessage), PongMessage)
    assert_type(await ws.expect(PongMessage, payload=None), PongMessage)
    assert_type(await ws.receive_all_messages(), list[PingMessage | PongMessage])
    await ws.receive_until(on_match(is_ping) | on_match(lambda m: m.payload == 1))


async def other_sources() -> None:
    adapter: TypeAdapter[PingMessage] = TypeAdapter(PingMessage)
    by_adapter = WebsocketCommunicator(app, "/", messages=adapter, name="ann")
    assert_type(await by_adapter.receive_message(), PingMessage)
    by_codec = WebsocketCommunicator(app, "/", codec=ModelCodec(PongMessage))
    assert_type(await by_codec.receive_message(), PongMessage)
    plain = WebsocketCommunicator(app, "/", [(b"a", b"b")], ["chat"], timeout=2)
    assert_type(await plain.receive_message(), Any)
    assert_type(await plain.connect(), tuple[bool, int | str | None])


def sync() -> None:
    with SyncWebsocketCommunicator(app, "/", messages=PingMessage | PongMessage) as ws:
        assert_type(ws.receive_message(), PingMessage | PongMessage)
        assert_type(ws.receive_message(PongMessage), PongMessage)
