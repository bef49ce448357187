"""README and documentation: every Python block is executed.

A block runs like a module; the test functions it defines are then called, coroutine
functions in an event loop of their own. Blocks of one page share their names.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

from tests.live import OLD_UVICORN

# Applications of their own, each with its own configuration, and pages that need it.
collect_ignore = ["docs/examples", "tests/django", "tests/django_chanx"]
DJANGO_PAGES = [
    "docs/how-to/django-*.md",
    "docs/tutorial/django*.md",
    "docs/migrate/channels-1.md",
    "docs/migrate/channels-testing.md",
    "docs/migrate/chanx-django.md",
    "docs/migrate/django-rest-live.md",
]

RUN_PYTHON = PythonEvaluator()


def pytest_configure(config: pytest.Config) -> None:
    """Let every test and page start servers of the oldest uvicorn, too."""
    for ignored in OLD_UVICORN:
        config.addinivalue_line("filterwarnings", ignored)


def run_block(example: Example) -> None:
    before = dict(example.namespace)
    RUN_PYTHON(example)
    for name, value in example.namespace.items():
        if name.startswith("test_") and before.get(name) is not value:
            call(value)


def call(test: Callable[[], Any]) -> None:
    if inspect.iscoroutinefunction(test):
        asyncio.run(test())
    else:
        test()


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("python", run_block)],
    patterns=["*.md"],
    excludes=["CHANGELOG.md", "docs/examples/**/*.md", *DJANGO_PAGES],
).pytest()
