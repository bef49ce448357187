"""The tests of the Django projects, run as their users run them, warnings as errors.

Each runner and each database is met in some run, not every pair of them: the projects'
own tests cover what is particular to one.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.live import OLD_UVICORN
from tests.services import require_package

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS / "django"
CHANX = TESTS / "django_chanx"
CHAT = TESTS.parent / "docs" / "examples" / "django_chat"
TUTORIAL = TESTS.parent / "docs" / "examples" / "django_tutorial"

QUIET = [f"-W{each}" for each in OLD_UVICORN]
MANAGE = ("-Werror", *QUIET, "manage.py", "test", "--noinput")
PARALLEL = (*MANAGE, "--parallel", "2")
PYTEST = ("-m", "pytest", "-c", "pytest.ini", *QUIET)
ALL = (*PYTEST, ".")
XDIST = (*ALL, "-n", "2")
# Those that are not Django test cases, and some that are.
FUNCTIONS = (*PYTEST, "test_fixtures.py", "test_http.py", "test_logins.py")

MEMORY, FILE, POSTGRESQL = "memory:", "file:", "postgresql:"
PATIENCE = 280  # seconds: less than the guard of the test that waits
PASSED = re.compile(r"\b(\d+) (?:tests? in|passed)\b")
# What an outer pytest, or its caller, has put there.
NOT_INHERITED = re.compile("PYTEST_|DJANGO_SETTINGS_MODULE$|TEST_DATABASE$")


@dataclass(frozen=True, slots=True)
class Run:
    """A command, given to Python in the folder of a project."""

    name: str
    project: Path
    command: tuple[str, ...]
    database: str = MEMORY
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


CACHE = {"SESSION_ENGINE": "django.contrib.sessions.backends.cache"}
OWN_USERS = {**CACHE, "TEST_USERS": "people"}
RUNS = [
    Run("manage-memory", PROJECT, MANAGE),
    Run("parallel-file", PROJECT, PARALLEL, FILE, ("tblib",)),
    Run("parallel-postgresql", PROJECT, PARALLEL, POSTGRESQL, ("tblib", "psycopg")),
    Run("pytest-memory", PROJECT, FUNCTIONS, MEMORY, ("pytest_django",)),
    Run("xdist-postgresql", PROJECT, XDIST, POSTGRESQL, ("pytest_django", "xdist")),
    Run("sessions", PROJECT, (*MANAGE, "test_logins"), environment=CACHE),
    Run("users", PROJECT, (*MANAGE, "test_custom_users"), environment=OWN_USERS),
    # Its tests start the project's manage.py by themselves.
    Run("chanx", CHANX, ALL, packages=("chanx", "rest_framework", "pytest_django")),
    Run("chat", CHAT, MANAGE),
    Run("tutorial", TUTORIAL, MANAGE, packages=("celery", "chanx")),
]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_project(run: Run, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A project's tests pass under this runner, on this database."""
    for package in ("django", "channels", *run.packages):
        require_package(package)
    database = run.database
    if database == POSTGRESQL:
        database = request.getfixturevalue("postgres_dsn")
    given = {"TEST_DATABASE": database, "TEST_FOLDER": str(tmp_path)}
    output = outcome(run, {**inherited(), **run.environment, **given}, tmp_path)
    passed = sum(map(int, PASSED.findall(output)))
    if not passed:
        pytest.fail(f"no test ran:\n{output}", pytrace=False)
    # For the report that noxfile.py reads.
    request.node.user_properties.append(("tests", passed))


def inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not NOT_INHERITED.match(name)
    }


def outcome(run: Run, environment: Mapping[str, str], folder: Path) -> str:
    """Run it, and return what it has printed; fail with that."""
    printed = folder / "output"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *run.command],
            cwd=run.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        status = ended(process)
    text = printed.read_text(encoding="utf-8", errors="replace")
    if status:
        command = " ".join(["python", *run.command])
        pytest.fail(f"{command!r} {status}:\n{text}", pytrace=False)
    return text


def ended(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end of a process, and say what was wrong with it."""
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"was still running after {PATIENCE} s"
    return f"ended with {code}" if code else ""
