"""Collects the pages of the documentation that need Django, beside the tests."""

from pathlib import Path

import pytest

from tests.pages import Pages

PAGES = (
    "how-to/django-*.md",
    "tutorial/django*.md",
    "migrate/channels-testing.md",
    "migrate/django-rest-live.md",
)


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    if file_path != Path(__file__):
        return None
    return Pages.from_parent(parent, path=file_path, patterns=PAGES)
