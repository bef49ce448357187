"""Collects the pages of the documentation that need Django, beside the tests."""

from pathlib import Path

import pytest

from tests.browser.conftest import (
    _chromium,
    browser,
    pytest_runtest_makereport,
)
from tests.pages import Pages

__all__ = ["_chromium", "browser", "pytest_runtest_makereport"]

PAGES = (
    "how-to/django-*.md",
    "tutorial/django*.md",
    "migrate/channels-1.md",
    "migrate/channels-testing.md",
    "migrate/django-rest-live.md",
)


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    if file_path != Path(__file__):
        return None
    return Pages.from_parent(parent, path=file_path, patterns=PAGES)
