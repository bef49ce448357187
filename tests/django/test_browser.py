"""A page of the project, in a real browser. For pytest, which has the browser."""

import unittest
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from project.models import Note

from wstest_django import ChannelLiveServerTestCase, WebsocketCommunicator

if TYPE_CHECKING:
    from tests.browser.chromium import Browser


def say(browser: "Browser", text: str) -> None:
    from selenium.webdriver.common.by import By

    browser.find_element(By.NAME, "text").send_keys(text)
    browser.find_element(By.TAG_NAME, "button").click()


@pytest.mark.django_db(databases=["default", "logs"])
@pytest.mark.asyncio
async def test_page_and_communicator(browser: "Browser", ws_live_server: Any) -> None:
    """A browser and a communicator talk in one room, through a real server."""
    from asgiref.sync import sync_to_async

    from tests.browser.chromium import wait_for_text

    open_page = sync_to_async(browser.get, thread_sensitive=False)
    shows = sync_to_async(wait_for_text, thread_sensitive=False)
    await open_page(f"{ws_live_server.url}/room/lobby/")
    await shows(browser, "open")
    async with WebsocketCommunicator(ws_live_server.ws_url, "/ws/room/lobby/") as ws:
        await ws.send_json({"text": "hello, browser"})
        assert (await ws.receive_json())["text"] == "hello, browser"
        await shows(browser, "hello, browser")
        await sync_to_async(say, thread_sensitive=False)(browser, "hello, test")
        assert (await ws.receive_json())["text"] == "hello, test"
        await shows(browser, "hello, test")


class PageTests(ChannelLiveServerTestCase):
    databases: ClassVar = {"default", "logs"}
    browser: "Browser | None" = None

    @pytest.fixture(autouse=True)
    def _inject_fixtures(self, browser: "Browser") -> None:
        self.browser = browser

    def test_two_windows(self) -> None:
        """What is said in one window is shown in another, and survives the server."""
        if self.browser is None:
            raise unittest.SkipTest("the browser is a fixture of pytest")
        from tests.browser.chromium import wait_for_text

        browser = self.browser
        browser.get(f"{self.live_server_url}/room/a/")
        wait_for_text(browser, "open")
        first = browser.current_window_handle
        browser.switch_to.new_window("window")
        browser.get(f"{self.live_server_url}/room/a/")
        wait_for_text(browser, "open")
        say(browser, "from the second")
        wait_for_text(browser, "from the second")
        browser.close()
        browser.switch_to.window(first)
        wait_for_text(browser, "from the second")
        assert not Note.objects.exists()

    def test_refused(self) -> None:
        """A page sees a refusal as a connection that was closed with 1006."""
        if self.browser is None:
            raise unittest.SkipTest("the browser is a fixture of pytest")
        from tests.browser.chromium import wait_for_text

        self.browser.get(f"{self.live_server_url}/room/a/")
        script = """
            const socket = new WebSocket(`ws://${location.host}/ws/refusing/`);
            socket.onclose = (event) => {
                document.querySelector("#said").textContent = `ended ${event.code}`;
            };
        """
        self.browser.execute_script(script)
        wait_for_text(self.browser, "ended 1006")
