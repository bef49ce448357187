"""Every check of the project, each runnable on its own: `python -m nox -l`."""

import json
import os
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
PACKAGES = ["wstest_core", "wstest_django", "wstest_fastapi"]
PROJECT = nox.project.load_toml("pyproject.toml")
# ARQ wants an older redis than the other tests run with.
ARQ = Path("docs/examples/fastapi_tutorial")
EXAMPLES = sorted(
    path.parent
    for path in Path("docs/examples").glob("*/pytest.ini")
    if path.parent != ARQ
)
CHAT = Path("docs/examples/fastapi_chat")
DJANGO_CHAT = Path("docs/examples/django_chat")
DJANGO_PYTHONS = {"5.2": PYTHONS, "6.0": PYTHONS[1:], "6.1": PYTHONS[1:]}
# Of the runs in tests/test_django.py; the session `tests` has them all.
DJANGO_RUNS = "parallel-postgresql or users"
NO_DJANGO = "--ignore=tests/test_django.py"
FAILURE = "NoMessage: no action 'complete' for ann: nothing more can arrive"
# Set where nothing may be absent: an absent Python, Redis or PostgreSQL then fails.
REQUIRE_ALL = bool(os.environ.get("CI") or os.environ.get("WSTEST_REQUIRE_ALL"))

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = REQUIRE_ALL
nox.options.sessions = [
    "lint",
    "typing",
    "demo",
    "tests",
    "lowest",
    "frameworks",
    "django",
    "arq",
    "docs",
    "wheel",
]


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PROJECT, name))


def lower_bounds() -> list[str]:
    """Each runtime requirement, pinned to the oldest version it admits."""
    extras = PROJECT["project"]["optional-dependencies"]
    own = PROJECT["project"]["dependencies"]
    optional = [item for key in extras if key != "all" for item in extras[key]]
    return [item.replace(">=", "==") for item in [*own, *optional]]


def run_tests(session: nox.Session, *options: str) -> None:
    """The whole suite, then each example under its own configuration."""
    session.run("pytest", *options, *session.posargs)
    if not session.posargs:
        for example in EXAMPLES:
            run_example(session, example)


def run_example(session: nox.Session, folder: Path) -> None:
    session.run("pytest", "-c", str(folder / "pytest.ini"), str(folder))


@nox.session
def demo(session: nox.Session) -> None:
    """Test a real FastAPI application, then show what a failure looks like."""
    session.install("-e", ".[fastapi]", *group("demo"))
    run_example(session, CHAT)
    session.log("Now one test that fails on purpose:")
    output = session.run(
        *("pytest", "-qq", "-c", str(CHAT / "pytest.ini")),
        str(CHAT / "failing_demo.py"),
        silent=True,
        success_codes=[1],
    )
    print(output)
    if FAILURE not in str(output):
        session.error(f"It failed, but without saying: {FAILURE}")
    session.log("It failed as it should: the demonstration is complete.")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, the documentation's code blocks and the examples."""
    session.install("-e", ".[all]", *group("tests"))
    # Elsewhere the session `django` has the Django projects, with more versions.
    run_tests(session, *([] if session.python == PYTHONS[0] else [NO_DJANGO]))


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The same with the oldest versions that the requirements admit."""
    session.install("-e", ".[all]", *lower_bounds(), *group("tests"))
    run_tests(session, NO_DJANGO)
    session.run("pytest", "tests/test_django.py", "-k", "manage-memory or chat")


@nox.session
@nox.parametrize("fastapi", ["oldest", "newest"])
def frameworks(session: nox.Session, fastapi: str) -> None:
    """The example applications over the framework versions that users have."""
    oldest = [pin for pin in lower_bounds() if pin.startswith(("fastapi", "starlette"))]
    session.install("-e", ".[fastapi]", *group("demo"))
    session.install(*oldest if fastapi == "oldest" else ["-U", "fastapi", "starlette"])
    run_example(session, CHAT)


@nox.session
@nox.parametrize(
    "python,django,channels",
    [
        (python, django, channels)
        for django, pythons in DJANGO_PYTHONS.items()
        for channels in ("oldest", "newest")
        for python in pythons
    ],
)
def django(session: nox.Session, django: str, channels: str) -> None:
    """Django's projects and the example, over the versions that users have."""
    oldest = [pin for pin in lower_bounds() if pin.startswith("channels")]
    session.install(
        *("-e", ".[django,live]", *group("tests"), f"Django=={django}.*"),
        *(oldest if channels == "oldest" else ["channels"]),
    )
    chosen = session.posargs or ["-k", DJANGO_RUNS]
    session.run("pytest", "tests/test_django.py", *chosen)
    run_example(session, DJANGO_CHAT)


@nox.session
def arq(session: nox.Session) -> None:
    """The tutorial with an ARQ worker, which has requirements of its own."""
    session.install("-e", ".[fastapi]", "-r", str(ARQ / "requirements.txt"))
    session.install(*group("demo"), "mypy>=2.0")
    run_example(session, ARQ)
    with session.chdir(ARQ):
        session.run("mypy", "--strict", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def typing(session: nox.Session) -> None:
    """mypy and pyright, both strict, and the completeness of what we publish."""
    session.install("-e", ".[all]", *group("typing"))
    session.run("mypy")
    for example in EXAMPLES:
        with session.chdir(example):
            session.run("mypy", "--strict", ".")
    session.run("pyright")
    for package in PACKAGES:
        verify_types(session, package)


def verify_types(session: nox.Session, package: str) -> None:
    verify = ["pyright", "--ignoreexternal", "--verifytypes", package]
    report = session.run(*verify, "--outputjson", silent=True, success_codes=[0, 1])
    counts = json.loads(str(report))["typeCompleteness"]["exportedSymbolCounts"]
    if any(counts.values()):  # pyright calls an empty package 0 % complete
        session.run(*verify)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, nitpicky, warnings as errors."""
    session.install("-e", ".[all]", *group("docs"))
    session.run("sphinx-build", "-EqnW", "--keep-going", "docs", "docs/_build/html")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build, inspect and install what users get, without and with frameworks."""
    session.install(*group("wheel"))
    folder = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(folder))
    session.run("twine", "check", "--strict", *map(str, folder.iterdir()))
    built = next(folder.glob("*.whl"))
    for extra in ["", "[all]"]:
        check_wheel(session, f"wstest-core{extra} @ {built.as_uri()}", extra)


def check_wheel(session: nox.Session, requirement: str, extra: str) -> None:
    empty = Path(session.create_tmp()) / f"venv{extra.strip('[]')}"
    session.run("python", "-m", "venv", "--clear", str(empty))
    python = str(
        empty.absolute() / ("Scripts" if os.name == "nt" else "bin") / "python"
    )

    def run(*arguments: str) -> None:
        session.run(python, "-m", *arguments, external=True)

    run("pip", "install", "-q", requirement, *group("demo"))
    checks = f"tests/wheel/check_{'all_extras' if extra else 'bare'}.py"
    options = ["-c", "tests/wheel/pytest.ini", "--noconftest", "-p", "no:cacheprovider"]
    run("pytest", *options, "tests/wheel/check_files.py", checks)


@nox.session
def bench(session: nox.Session) -> None:
    """All contenders in one run; writes the page of results. Advisory."""
    session.install("-e", ".[all]", *group("tests"), *group("bench"))
    page = "docs/explanation/performance.md"
    session.run("python", "-m", "tests.benchmarks", "--out", page, *session.posargs)
