"""The browser of our tests: what it keeps of a failure, and what it fetches."""

from pathlib import Path

import pytest
from selenium.webdriver.common.selenium_manager import SeleniumManager

from tests.browser.chromium import Browser, wait_for_text, wait_until

ROOT = Path(__file__).parents[2]
SHOWS_A_BUG = """
    def test_bug(browser):
        browser.get("data:text/html,<title>Bug</title><script>nonsense()</script>")
        assert browser.title == "Feature"

    def test_after_it(browser):
        assert browser.current_url == "about:blank"
"""


def test_failure_keeps_a_picture(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report of a failure names the picture, and has the page's console."""
    monkeypatch.delenv("WSTEST_ARTIFACTS", raising=False)
    pytester.makeini(f"[pytest]\npythonpath = {ROOT}")
    pytester.makeconftest('pytest_plugins = ["tests.browser.conftest"]')
    pytester.makepyfile(test_page=SHOWS_A_BUG)
    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    picture = pytester.path / ".artifacts" / "test_bug.png"
    result.stdout.fnmatch_lines(
        ["*- browser -*", f"data:text/html,* in {picture}", "*nonsense is not defined*"]
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert (picture.parent / ".gitignore").read_text() == "*\n"


def test_wait_ends_when_the_page_changes(browser: Browser) -> None:
    """Text, attributes and elements that come later are seen when they come."""
    browser.get("data:text/html,<p id=a>one</p>")
    browser.execute_script(
        "setTimeout(() => { a.textContent = 'two'; a.title = 'three'; }, 20)"
    )
    wait_for_text(browser, "two")
    wait_until(browser, "a.title === 'three'")


def test_wait_says_what_the_page_shows(browser: Browser) -> None:
    """A page that never gets there fails the test, with its text."""
    browser.get("data:text/html,<p>one</p>")
    browser.set_script_timeout(0.05)
    try:
        with pytest.raises(pytest.fail.Exception) as failure:
            wait_for_text(browser, "two")
    finally:
        browser.set_script_timeout(20)
    assert str(failure.value) == (
        "the page never had document.body.innerText.includes('two'); it shows\n\none"
    )


def test_nothing_is_downloaded(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs are those of the machine: selenium's manager is never asked."""
    from tests.browser.chromium import chromium

    def ask(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(SeleniumManager, "binary_paths", ask)
    with chromium() as another:
        assert another.capabilities["browserName"].startswith("chrom")
