"""Refusals, as the browser sees them and as the application meant them."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute

from tests.fastapi.shop import app
from wstest_core import ConnectionRejected
from wstest_fastapi import AppClient, SyncAppClient, WebsocketCommunicator

pytestmark = pytest.mark.anyio


async def refusal(path: str) -> ConnectionRejected:
    with pytest.raises(ConnectionRejected) as caught:
        async with WebsocketCommunicator(app, path):
            pytest.fail("the connection was accepted")
    assert caught.value.browser_code == 1006
    return caught.value


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("by-dependency", 1008),
        ("by-exception", 4001),
        ("by-close", 4403),
        ("text", 1008),  # FastAPI's own validation of a path parameter
    ],
)
async def test_close_before_accept_is_http_403(path: str, code: int) -> None:
    """The code is for the test; the browser is told 403 and nothing else."""
    found = await refusal(f"/refused/{path}")
    assert (found.code, found.status, found.body) == (code, 403, b"")


async def test_http_exception_is_a_denial_response() -> None:
    """Its status, headers and detail are what the client gets."""
    found = await refusal("/refused/by-http-exception")
    assert (found.code, found.status) == (None, 401)
    assert found.body == b'{"detail":"who are you?"}'
    assert (b"www-authenticate", b"Bearer") in found.headers


async def test_denial_response() -> None:
    """A response of the application's own goes out as it is."""
    found = await refusal("/refused/by-denial")
    assert (found.status, found.body) == (503, b"closed for today")
    assert dict(found.headers)[b"retry-after"] == b"60"


async def test_no_such_route() -> None:
    """A path that nobody serves is refused too."""
    assert (await refusal("/nowhere")).status == 403


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("by-dependency", (False, 1008)),
        ("by-close", (False, 4403)),
        ("by-denial", (False, 1006)),
    ],
)
async def test_connect_returns_the_refusal(path: str, answer: object) -> None:
    """connect() says it without raising: the close code, where there is one."""
    assert await WebsocketCommunicator(app, f"/refused/{path}").connect() == answer


async def test_an_exception_after_accept_is_a_close() -> None:
    """Then code and reason do reach the browser."""
    async with WebsocketCommunicator(app, "/closed-later") as ws:
        await ws.expect_closed(1008, "too slow")


# --- what a client tells of a refusal


async def refuse(socket: WebSocket) -> None:
    await socket.close(4403)


async def page(request: object) -> None:
    raise NotImplementedError


def ws(path: str) -> WebSocketRoute:
    return WebSocketRoute(path, refuse)


def included() -> FastAPI:
    """An application with a router in a router."""
    outer, inner, application = APIRouter(), APIRouter(), FastAPI()
    application.root_path = "/proxy"
    inner.add_api_websocket_route("/{room}", refuse)
    outer.include_router(inner, prefix="/rooms")
    application.include_router(outer, prefix="/v1")
    return application


async def told(application: Any, path: str) -> str:
    """What the text of a refusal adds to what the application is doing."""
    client = AppClient(application, lifespan=False)
    with pytest.raises(ConnectionRejected) as caught:
        async with client, client.websocket(path):
            pytest.fail("the connection was accepted")
    *_, last = str(caught.value).split("\n")
    return last.removeprefix("The application has returned.").strip()


@pytest.mark.parametrize(
    ("application", "path", "known"),
    [
        (app, "/whoami", "/listen, /echo, /later, /crash, /refused/by-dependency, "),
        (Starlette(routes=[ws("/a"), ws("/b/{n}")]), "/a/", "/a, /b/{n}."),
        (Starlette(routes=[Route("/page", page)]), "/page", "there are none."),
        (Starlette(routes=[Mount("/m", routes=[ws("/a")])]), "/m/b", "/m/a."),
        (Starlette(routes=[Mount("/m", Starlette(routes=[ws("/a")]))]), "/a", "/m/a."),
        (Starlette(routes=[Host("x.org", Starlette(routes=[ws("/a")]))]), "/", "/a."),
        (GZipMiddleware(Starlette(routes=[ws("/a")])), "/b", "/a."),
        (included(), "/v1/rooms", "there are /v1/rooms/{room}."),
        (
            Starlette(routes=[ws(f"/{number}") for number in range(12)]),
            "/wrong",
            "there are /0, /1, /2, /3, /4, /5, /6, /7, /8, /9 and 2 more.",
        ),
    ],
)
async def test_no_such_route_names_those_there_are(
    application: object, path: str, known: str
) -> None:
    """Wherever they are: in mounts, in hosts, in routers, behind middleware."""
    found = await told(application, path)
    assert found.startswith(f"No WebSocket route matches {path!r}: there are ")
    assert known in found


@pytest.mark.parametrize(
    ("application", "path"),
    [
        (Starlette(routes=[ws("/a"), Route("/b", page)]), "/a"),
        (Starlette(routes=[Mount("/m", Starlette(routes=[ws("/a")]))]), "/m/a"),
        (Starlette(routes=[Host("testserver", Starlette(routes=[ws("/a")]))]), "/a"),
        (included(), "/v1/rooms/one"),
        (included(), "/proxy/v1/rooms/one"),
    ],
)
async def test_where_the_path_leads(application: object, path: str) -> None:
    """Where a route takes the path, its endpoint is named."""
    assert await told(application, path) == "The path leads to refuse()."


class Unknown(BaseRoute):
    """A route of somebody's own."""

    def matches(self, scope: Any) -> Any:
        return ws("/{all:path}").matches(scope)

    async def handle(self, scope: object, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close"})


@pytest.mark.parametrize(
    "application",
    [
        Starlette(routes=[Unknown()]),
        Starlette(routes=[Mount("/", Unknown().handle)]),
        Unknown().handle,
    ],
    ids=["a route of another kind", "a mount of no routes", "no routes at all"],
)
async def test_what_cannot_be_seen_is_not_told(application: object) -> None:
    """Whoever takes the path there, no route is said to be missing."""
    assert "No WebSocket route" not in await told(application, "/wrong")


def refuses(reason: Any) -> Starlette:
    async def endpoint(socket: WebSocket) -> None:
        await socket.send({"type": "websocket.close", "code": 1008, "reason": reason})

    return Starlette(routes=[WebSocketRoute("/", endpoint)])


@pytest.mark.parametrize(
    ("application", "path", "reason"),
    [
        (app, "/refused/text", "path.number: Input should be a valid integer, unable"),
        (refuses(["one", "two"]), "/", "one; two."),
    ],
)
async def test_what_fastapi_finds_wrong_is_told(
    application: object, path: str, reason: str
) -> None:
    """The reason for a parameter that is wrong or missing is no text, but a list."""
    assert (await told(application, path)).startswith(f"Its reason: {reason}")


@pytest.mark.parametrize(
    ("application", "path", "reason"),
    [
        (app, "/refused/by-dependency", "not you"),
        (app, "/refused/by-close", "closed"),
        (refuses("Who are you?"), "/", "Who are you?"),
    ],
)
async def test_the_reason_is_told(application: object, path: str, reason: str) -> None:
    """What the application closed with stands in the first line."""
    async with AppClient(application) as client:
        with pytest.raises(ConnectionRejected) as refused:
            await client.websocket(path).__aenter__()
    first = str(refused.value).partition("\n")[0]
    assert f", reason {reason!r} (a browser sees" in first


def test_a_plain_test_is_told_as_well() -> None:
    """By its own client."""
    with (
        SyncAppClient(app) as client,
        pytest.raises(ConnectionRejected, match="No WebSocket route matches '/nowh"),
        client.websocket("/nowhere"),
    ):
        pytest.fail("the connection was accepted")
