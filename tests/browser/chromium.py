"""A headless Chromium of this machine, and what tests do with its pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.services import require

Browser: TypeAlias = Chrome

PATIENCE = 20  # seconds that a page may take to show what it must
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # root, and many a container, cannot have one
    "--disable-dev-shm-usage",  # /dev/shm is small in containers
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=800,600",
)
# Runs in the page; is told of each change of it, so nobody looks again and again.
UNTIL = """
const [condition, done] = arguments;
const holds = new Function(`return ${condition}`);
const look = () => { if (holds()) { watch.disconnect(); done(); } };
const watch = new MutationObserver(look);
watch.observe(document, {
    attributes: true, characterData: true, childList: true, subtree: true });
look();
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium, through its chromedriver; nothing is downloaded."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    require(browser and driver, "chromium and chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location = str(browser)
    options.accept_insecure_certs = True  # the certificate of our tests is our own
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ARGUMENTS:
        options.add_argument(argument)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SE_OFFLINE", "true")
        patch.setenv("NO_PROXY", "localhost,127.0.0.1")
        started = Chrome(options, Service(driver))
        try:
            started.set_script_timeout(PATIENCE)
            yield started
        finally:
            started.quit()


def wait_until(browser: Browser, condition: str) -> None:
    """Wait until an expression of JavaScript holds in the page, as it changes."""
    with suppress(TimeoutException):
        browser.execute_async_script(UNTIL, condition)
        return
    text = browser.execute_script("return document.body.innerText")
    pytest.fail(f"the page never had {condition}; it shows\n\n{text}", pytrace=False)


def wait_for_text(browser: Browser, text: str) -> None:
    """Wait until the page shows a text."""
    wait_until(browser, f"document.body.innerText.includes({text!r})")


def forget(browser: Browser) -> None:
    """Leave the page, which closes its sockets, and its cookies behind."""
    browser.delete_all_cookies()
    browser.get("about:blank")


def keep(browser: Browser, name: str, folder: Path) -> str:
    """Keep what the browser shows now, and say where; and what its console says."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    picture = folder / f"{name}.png"
    try:
        browser.save_screenshot(str(picture))
        lines: list[dict[str, Any]] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    except WebDriverException as error:
        return f"The browser cannot be asked any more: {error.msg}"
    console = [f"{line['level']}: {line['message']}" for line in lines]
    return "\n".join([f"{browser.current_url} in {picture}", *console])


def artifacts(config: pytest.Config) -> Path:
    """Where pictures of failures go: WSTEST_ARTIFACTS, or .artifacts here."""
    return config.rootpath / os.environ.get("WSTEST_ARTIFACTS", ".artifacts")
