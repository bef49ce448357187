"""Credentials, as the application sees them."""

from base64 import b64decode
from typing import Annotated, Any

import pytest
from fastapi import Cookie, FastAPI, Query, WebSocket
from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    BaseUser,
    SimpleUser,
    requires,
)
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection

from wstest_core import ConnectionRejected
from wstest_fastapi import (
    WebsocketCommunicator,
    basic_headers,
    bearer_headers,
    cookie_headers,
    with_query_token,
)

pytestmark = pytest.mark.anyio

app = FastAPI()


@app.websocket("/seen")
async def seen(
    socket: WebSocket,
    session: Annotated[str | None, Cookie()] = None,
    token: Annotated[str | None, Query()] = None,
) -> None:
    await socket.accept()
    bearer = socket.headers.get("authorization")
    found = {"session": session, "token": token, "authorization": bearer}
    await socket.send_json(found)


class Bearer(AuthenticationBackend):
    async def authenticate(
        self, conn: HTTPConnection
    ) -> tuple[AuthCredentials, BaseUser] | None:
        kind, _, token = conn.headers.get("authorization", "").partition(" ")
        if kind != "Bearer":
            return None
        return AuthCredentials(["authenticated"]), SimpleUser(token)


@app.websocket("/members")
@requires("authenticated")
async def members(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.user.display_name)


async def what_is_seen(path: str = "/seen", headers: Any = None) -> Any:
    async with WebsocketCommunicator(app, path, headers) as ws:
        return await ws.receive_json()


async def test_bearer() -> None:
    """A token in the header."""
    found = await what_is_seen(headers=bearer_headers("t0ken"))
    assert found["authorization"] == "Bearer t0ken"


async def test_basic() -> None:
    """A user and a password, in UTF-8."""
    found = await what_is_seen(headers=basic_headers("änn", "pass:word"))
    encoded = found["authorization"].removeprefix("Basic ")
    assert b64decode(encoded).decode() == "änn:pass:word"
    with pytest.raises(ValueError, match="a user's name has no colon"):
        basic_headers("a:b", "c")


async def test_cookies() -> None:
    """A cookie that the framework parses; none of them is no header."""
    found = await what_is_seen(headers=cookie_headers(session="abc=", theme="dark"))
    assert found["session"] == "abc="
    assert cookie_headers() == []


async def test_a_token_in_the_query() -> None:
    """The only place where a browser can put one, after what stands there."""
    assert (await what_is_seen(with_query_token("/seen", "a b&c")))["token"] == "a b&c"
    assert with_query_token("/ws?a=1", "t", name="key") == "/ws?a=1&key=t"


async def test_authentication_middleware() -> None:
    """Starlette's own lets a member in, and refuses others."""
    guarded = AuthenticationMiddleware(app, backend=Bearer())
    async with WebsocketCommunicator(guarded, "/members", bearer_headers("ann")) as ws:
        assert await ws.receive_text() == "ann"
    with pytest.raises(ConnectionRejected) as refusal:
        await WebsocketCommunicator(guarded, "/members").__aenter__()
    assert (refusal.value.code, refusal.value.status) == (1000, 403)
