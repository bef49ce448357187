"""A browser for any test here, and a picture of the page where one fails."""

import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.services import require_package

if TYPE_CHECKING:
    from tests.browser.chromium import Browser


@pytest.fixture(scope="session")
def _chromium() -> "Iterator[Browser]":
    require_package("selenium")
    from tests.browser.chromium import chromium

    with chromium() as started:
        yield started


@pytest.fixture
def browser(_chromium: "Browser") -> "Iterator[Browser]":
    """A headless Chromium that shows nothing yet, and knows no cookies."""
    from tests.browser.chromium import forget

    yield _chromium
    forget(_chromium)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of what the browser showed when a test failed."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and browser is not None:
        from tests.browser.chromium import artifacts, keep

        name = re.sub(r"\W+", "-", item.name).strip("-")
        report.sections.append(("browser", keep(browser, name, artifacts(item.config))))
    return report
