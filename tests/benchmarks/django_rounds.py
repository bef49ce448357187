"""One round of a Django scenario, in a process of its own; prints its seconds.

    python -m tests.benchmarks.django_rounds suite wstest_django 100 postgresql://…

What is done (suite, nothing, crowd), by whom, how much of it, and on which database:
`file:`, `memory:` or a PostgreSQL's address. Only what a user waits for is measured,
not the start of Django nor the making of the test database.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias
from unittest import TestSuite
from urllib.parse import urlsplit

from .measure import Stopwatch

Settings: TypeAlias = dict[str, Any]


def configure(database: str, folder: str) -> None:
    """Set up a small project: the applications are those of `startproject`."""
    import django
    from django.conf import settings

    contrib = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
    layer = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    settings.configure(
        SECRET_KEY="not a secret",
        USE_TZ=True,
        INSTALLED_APPS=[f"django.contrib.{name}" for name in contrib],
        DATABASES={"default": _database(database, folder)},
        CHANNEL_LAYERS={"default": layer},
    )
    django.setup()


def _database(address: str, folder: str) -> Settings:
    url = urlsplit(address)
    if url.scheme == "postgresql":
        place = {"USER": url.username, "HOST": url.hostname, "PORT": url.port}
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "rounds", **place}
    name = str(Path(folder, "rounds.sqlite3")) if url.scheme == "file" else None
    return {"ENGINE": "django.db.backends.sqlite3", "TEST": {"NAME": name}}


def seconds(work: str, contender: str, size: int) -> float:
    """Run the test or the tests of a contender by Django's runner."""
    from django.test.runner import DiscoverRunner

    from .django_cases import measured, tests_of

    runner = DiscoverRunner(verbosity=0, interactive=False)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    try:
        suite = TestSuite(tests_of(work, contender, size))
        with Stopwatch() as watch:
            result = runner.run_suite(suite)
    finally:
        runner.teardown_databases(databases)
    if not result.wasSuccessful() or result.testsRun != suite.countTestCases():
        raise RuntimeError(f"{contender} failed")
    return watch.seconds if work == "suite" else measured[-1]


def main(argv: Sequence[str]) -> None:
    """Print one figure."""
    work, contender, size, database = argv
    with tempfile.TemporaryDirectory() as folder:
        configure(database, folder)
        print(seconds(work, contender, int(size)))


if __name__ == "__main__":
    main(sys.argv[1:])
