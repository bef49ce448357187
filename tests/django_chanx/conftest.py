"""Collects the page of the documentation that needs chanx, beside the tests."""

from pathlib import Path

import pytest

from tests.pages import Pages


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    if file_path != Path(__file__):
        return None
    pages = ("migrate/chanx-django.md",)
    return Pages.from_parent(parent, path=file_path, patterns=pages)
