"""A page of a FastAPI application, in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fast_channels.consumer.websocket import AsyncWebsocketConsumer
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from fast_channels.layers.registry import unregister_channel_layer
from fastapi import FastAPI, HTTPException, Response, WebSocket
from fastapi.responses import HTMLResponse
from selenium.webdriver.common.by import By
from starlette.routing import WebSocketRoute

from tests.backends import on
from tests.browser.chat_page import CHAT_PAGE
from tests.browser.chromium import Browser, wait_for_text, wait_until
from wstest_core import ApplicationCrashed, LiveServer, WebsocketCommunicator
from wstest_fastapi import live_websocket_server

CERTIFICATE = Path(__file__).parents[1] / "core" / "localhost.pem"


class Chat(AsyncWebsocketConsumer):
    channel_layer_alias = "chat"
    groups = ["everybody"]

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        event = {"type": "said", "text": text_data}
        await self.channel_layer.group_send("everybody", event)

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(event["text"])


chat: Any = Chat.as_asgi()  # type: ignore[no-untyped-call]
app = FastAPI(routes=[WebSocketRoute("/chat", chat)])


@app.get("/")
async def page() -> HTMLResponse:
    return HTMLResponse(CHAT_PAGE)


@app.get("/login/{user}")
async def login(user: str) -> Response:
    response = HTMLResponse(CHAT_PAGE)
    response.set_cookie("user", user)
    return response


@app.websocket("/whoami")
async def whoami(socket: WebSocket) -> None:
    await socket.accept(subprotocol=socket.scope["subprotocols"][-1])
    await socket.send_text(f"{socket.cookies.get('user')} {socket.headers['origin']}")
    await socket.receive()


@app.websocket("/end/{how}")
async def end(socket: WebSocket, how: str) -> None:
    """End in each way there is."""
    if how == "refused":
        return await socket.close(4003)
    if how == "denied":
        raise HTTPException(401, "who are you?")
    await socket.accept()
    match how:
        case "closed":
            await socket.close(4001, "enough")
        case "closed-plainly":
            await socket.close()
        case "crashed":
            raise LookupError("on purpose")
        case _:
            return None


@pytest.fixture
def ws_app() -> Iterator[FastAPI]:
    register_channel_layer("chat", InMemoryChannelLayer())
    yield app
    unregister_channel_layer("chat")


@pytest.fixture
def show(browser: Browser, ws_live_server: LiveServer) -> Callable[[str], Browser]:
    """Shows a page of the live server."""

    def show(path: str) -> Browser:
        browser.get(f"{ws_live_server.url}{path}")
        return browser

    return show


Show = Callable[[str], Browser]


def say(browser: Browser, text: str) -> None:
    browser.find_element(By.NAME, "text").send_keys(f"{text}\n")


def test_page_talks_to_its_application(show: Show) -> None:
    """What a person types goes to the application, and its answer is shown."""
    browser = show("/")
    wait_for_text(browser, "open")
    say(browser, "hello")
    wait_until(browser, "document.querySelector('#heard li')?.textContent === 'hello'")


@pytest.mark.anyio
@on("asyncio")
async def test_person_and_client_talk(
    show: Show, ws_live_server: LiveServer, ws_connect: Callable[..., Any]
) -> None:
    """A page, a client of the server and one in-process hear each other."""
    async with (
        WebsocketCommunicator(ws_live_server.ws_url, "/chat", name="ann") as ann,
        ws_connect("/chat", name="bob") as bob,
    ):
        browser = show("/")
        wait_for_text(browser, "open")
        say(browser, "hello")
        for client in (ann, bob):
            assert await client.receive_text(timeout=20) == "hello"
        await bob.send_text("welcome")
        for client in (ann, bob):
            assert await client.receive_text(timeout=20) == "welcome"
        wait_for_text(browser, "welcome")


def test_cookies_origin_and_subprotocols(
    show: Show, ws_live_server: LiveServer
) -> None:
    """A socket has the page's cookies and origin, and what the script offers."""
    browser = show("/login/ann?path=/whoami&protocol=v1&protocol=v2")
    wait_for_text(browser, f"ann {ws_live_server.url}")
    wait_for_text(browser, "open v2")


@pytest.mark.anyio
@on("asyncio")
@pytest.mark.parametrize(
    "how", ["closed", "closed-plainly", "crashed", "returned", "refused", "denied"]
)
async def test_browser_sees_what_a_client_says_that_it_does(
    show: Show, ws_app: FastAPI, how: str
) -> None:
    """For each ending: the code and reason in-process are those in a browser."""
    expected = await told(ws_app, f"/end/{how}")
    wait_for_text(show(f"/?path=/end/{how}"), expected)


async def told(application: FastAPI, path: str) -> str:
    """What a client in-process says that a browser sees."""
    ws = WebsocketCommunicator(application, path)
    with suppress(ApplicationCrashed):
        await ws.connect()
        await ws.settle()
        await ws.disconnect()
    return f"closed {ws.close_code} {ws.close_reason}".strip()


def test_secure_page(browser: Browser) -> None:
    """A page over TLS opens a socket over TLS."""
    register_channel_layer("chat", InMemoryChannelLayer())
    with live_websocket_server(app, host="localhost", ssl_certfile=CERTIFICATE) as live:
        browser.get(live.url)
        wait_for_text(browser, "open")
        say(browser, "secret")
        wait_for_text(browser, "secret")
    unregister_channel_layer("chat")
