"""What is paid before the first test runs: imports, and the pytest plugin."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from . import fresh
from .measure import Trial

PLUGIN = "wstest_core.pytest_plugin"
NO_IMPORT = "no import"
PYDANTIC = "import pydantic"
CORE = "import wstest_core"
COMMUNICATOR = "from wstest_core import WebsocketCommunicator"
ALONE_WITHOUT = "pytest with no plugin"
ALONE_WITH = "pytest with this plugin only"
ALL_WITHOUT = "pytest with all installed plugins but this"
ALL_WITH = "pytest with all installed plugins"

ONE_TEST = "def test_nothing():\n    pass\n"
QUIET = ("-q", "-p", "no:cacheprovider")


def _environment() -> dict[str, str]:
    """This process's environment, with PYTHONPATH made good in any directory."""
    environment = dict(os.environ)
    given = environment.get("PYTHONPATH", "")
    paths = [str(Path(path).resolve()) for path in given.split(os.pathsep) if path]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def _seconds(
    arguments: tuple[str, ...], extra: Mapping[str, str], files: Mapping[str, str]
) -> float:
    environment = _environment() | dict(extra)
    with _directory(files) as directory:
        start = perf_counter()
        fresh.output(arguments, cwd=directory, environment=environment)
        return perf_counter() - start


@contextmanager
def _directory(files: Mapping[str, str]) -> Iterator[str]:
    with TemporaryDirectory() as directory:
        for name, text in files.items():
            Path(directory, name).write_text(text, encoding="utf-8")
        yield directory


def imports(times: int) -> list[Trial]:
    """Fresh interpreters that import one thing and end."""
    statements = {
        NO_IMPORT: "pass",
        PYDANTIC: PYDANTIC,
        CORE: CORE,
        COMMUNICATOR: COMMUNICATOR,
    }
    return [
        Trial(name, partial(_seconds, ("-c", statement), {}, {}), times)
        for name, statement in statements.items()
    ]


def _entry_point() -> str | None:
    for entry in entry_points(group="pytest11"):
        if entry.value == PLUGIN:
            return entry.name
    return None


def _pytest(options: tuple[str, ...], *, alone: bool) -> float:
    files = {"pytest.ini": "[pytest]\n", "test_one.py": ONE_TEST}
    extra = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if alone else {}
    return _seconds(("-m", "pytest", *QUIET, *options), extra, files)


def _plugin_variants() -> dict[str, tuple[tuple[str, ...], bool]]:
    entry = _entry_point()
    without = ("-p", f"no:{entry}") if entry else ()
    return {
        ALONE_WITHOUT: ((), True),
        ALONE_WITH: (("-p", PLUGIN), True),
        ALL_WITHOUT: (without, False),
        ALL_WITH: (() if entry else ("-p", PLUGIN), False),
    }


def plugin(times: int) -> list[Trial]:
    """Fresh pytest runs over one empty test, with and without the plugin."""
    few = min(times, 5)
    return [
        Trial(name, partial(_pytest, options, alone=alone), times if alone else few)
        for name, (options, alone) in _plugin_variants().items()
    ]
