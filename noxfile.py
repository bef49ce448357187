"""Every check of the project, each runnable on its own: `python -m nox -l`."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from xml.etree import ElementTree

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
# By file: the blocks of a page share their names.
IN_PARALLEL = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
FAILURE = "NoMessage: no action 'complete' for ann: nothing more can arrive"
# What is built and tested, and what passed with what: tests/matrix.py.
DIST, NOTES = Path(".nox/dist"), Path(".nox/matrix")
# Set where nothing may be absent: an absent Python, Redis or PostgreSQL then fails.
REQUIRE_ALL = bool(os.environ.get("CI") or os.environ.get("WSTEST_REQUIRE_ALL"))

# Tests start hundreds of processes, each of which would compile all that it imports.
os.environ["UV_COMPILE_BYTECODE"] = "1"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

nox.needs_version = ">=2026.10"
nox.options.allow_parallel = True
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = REQUIRE_ALL
nox.options.sessions = [
    "lint",
    "typing",
    "demo",
    "tests",
    "lowest",
    "core",
    "fastapi",
    "django",
    "arq",
    "docs",
    "wheel",
]


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PROJECT, name))


def lower_bounds(*names: str) -> list[str]:
    """The runtime requirements, or these, pinned to the oldest versions admitted."""
    extras = PROJECT["project"]["optional-dependencies"]
    own = PROJECT["project"]["dependencies"]
    optional = [item for key in extras if key != "all" for item in extras[key]]
    pins = [item.replace(">=", "==") for item in dict.fromkeys([*own, *optional])]
    return [pin for pin in pins if not names or pin.partition("==")[0] in names]


@nox.session
def build(session: nox.Session) -> None:
    """Build the source distribution, and the wheel that all tests run on."""
    session.install("build>=1.3")
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DIST), silent=True)
    digest = hashlib.sha256(wheel_path().read_bytes()).hexdigest()
    (NOTES / digest).mkdir(parents=True, exist_ok=True)
    (NOTES / "wheel").write_text(digest)


def wheel_path() -> Path:
    (path,) = DIST.resolve().glob("*.whl")
    return path


def wheel_with(extras: str = "") -> str:
    """The built wheel as a requirement."""
    return f"wstest-core{extras and f'[{extras}]'} @ {wheel_path().as_uri()}"


def check(
    session: nox.Session, row: str, shown: list[str], *runs: list[str | Path]
) -> None:
    """Run pytest with each of these, and note what passed as a cell of a `row`.

    `shown` are the distributions whose versions the table tells.
    """
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    python = str(session.python)
    versions = session.run("python", "-c", VERSIONS, *shown, silent=True)
    file = NOTES.resolve() / (NOTES / "wheel").read_text() / f"{row} {python}.json"
    passed = 0
    for run in runs:
        report = file.with_suffix(".xml")
        session.run("pytest", *map(str, run), f"--junitxml={report}")
        passed += tests_passed(report)
    note = {"row": row, "python": python, "versions": versions, "passed": passed}
    file.write_text(json.dumps(note))


VERSIONS = """
import sys
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]), end="")
"""


def tests_passed(report: Path) -> int:
    """Count those of a JUnit report, and those that a test has run in its turn."""
    (suite,) = ElementTree.parse(report).getroot()
    within = sum(
        int(each.get("value", 0))
        for each in suite.iter("property")
        if each.get("name") == "tests"
    )
    return int(suite.get("tests", 0)) - int(suite.get("skipped", 0)) + within


def example(folder: Path) -> list[str | Path]:
    """The arguments that run an example, under its own configuration."""
    return ["-c", folder / "pytest.ini", folder]


@nox.session(requires=["build"])
def demo(session: nox.Session) -> None:
    """Test a real FastAPI application, then show what a failure looks like."""
    session.install(wheel_with("fastapi"), *group("demo"))
    session.run("pytest", *map(str, example(CHAT)))
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


@nox.session(python=PYTHONS, requires=["build"])
def tests(session: nox.Session) -> None:
    """The tests, the documentation's code blocks and the examples."""
    session.install(wheel_with("all"), *group("tests"))
    # Elsewhere the session `django` has the Django projects, with more versions.
    django = [] if session.python == PYTHONS[0] else [NO_DJANGO]
    shown = ["Django", "channels", "fastapi", "starlette", "trio"]
    everything = [[*IN_PARALLEL, *django], *map(example, EXAMPLES)]
    check(session, "everything, newest", shown, *everything)


@nox.session(python="3.11", requires=["build"])
def lowest(session: nox.Session) -> None:
    """The same with the oldest versions that the requirements admit."""
    session.install(wheel_with("all"), *lower_bounds(), *group("tests"))
    shown = ["Django", "channels", "fastapi", "starlette", "trio"]
    django = ["tests/test_django.py", "-k", "manage-memory or chat"]
    everything = [[*IN_PARALLEL, NO_DJANGO], django, *map(example, EXAMPLES)]
    check(session, "everything, oldest", shown, *everything)


@nox.session(python=PYTHONS, requires=["build"])
def core(session: nox.Session) -> None:
    """The core where no framework is installed."""
    session.install(wheel_with("trio,live"), *group("core-tests"))
    check(session, "core alone", ["pydantic", "anyio"], [*IN_PARALLEL, "tests/core"])


@nox.session(python=PYTHONS, requires=["build"])
@nox.parametrize("fastapi", ["oldest", "newest"])
def fastapi(session: nox.Session, fastapi: str) -> None:
    """The FastAPI adapter and its example, over the versions that users have."""
    names = ["fastapi", "starlette"]
    session.install(
        *(wheel_with("fastapi,live,trio"), *group("fastapi-tests")),
        *(lower_bounds(*names) if fastapi == "oldest" else []),
    )
    runs = [[*IN_PARALLEL, "tests/fastapi"], example(CHAT)]
    check(session, f"FastAPI, {fastapi}", names, *runs)


@nox.session(requires=["build"])
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
    session.install(
        *(wheel_with("django,live"), *group("django-tests"), f"Django=={django}.*"),
        *(lower_bounds("channels") if channels == "oldest" else []),
    )
    runs = [["tests/test_django.py", "-k", DJANGO_RUNS], example(DJANGO_CHAT)]
    row = f"Django {django}, {channels} Channels"
    check(session, row, ["Django", "channels"], *runs)


@nox.session(requires=["build"])
def arq(session: nox.Session) -> None:
    """The tutorial with an ARQ worker, which has requirements of its own."""
    requirements = ["-r", str(ARQ / "requirements.txt")]
    session.install(wheel_with("fastapi"), *requirements, *group("demo"), "mypy>=2.0")
    session.run("pytest", *map(str, example(ARQ)))
    with session.chdir(ARQ):
        session.run("mypy", "--strict", ".")


@nox.session(venv_backend="none")
def table(session: nox.Session) -> None:
    """Hold the README's table against what ran: after everything else."""
    session.run("python", "-m", "tests.matrix", "--check")


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


@nox.session(requires=["build"])
def wheel(session: nox.Session) -> None:
    """Inspect and install what users get, without and with frameworks."""
    session.install("twine>=6.2")
    session.run("twine", "check", "--strict", *map(str, DIST.iterdir()))
    for extras in ["", "starlette", "all"]:
        check_wheel(session, extras)


def check_wheel(session: nox.Session, extras: str) -> None:
    empty = Path(session.create_tmp()).resolve() / f"venv-{extras}"
    session.run("python", "-m", "venv", "--clear", str(empty))
    python = str(empty / ("Scripts" if os.name == "nt" else "bin") / "python")

    def run(*arguments: str) -> None:
        session.run(python, "-m", *arguments, external=True)

    run("pip", "install", "-q", wheel_with(extras), *group("demo"))
    names = {"": "bare", "starlette": "starlette", "all": "all_extras"}
    checks = f"tests/wheel/check_{names[extras]}.py"
    options = ["-c", "tests/wheel/pytest.ini", "--noconftest", "-p", "no:cacheprovider"]
    run("pytest", *options, "tests/wheel/check_files.py", checks)


@nox.session
def bench(session: nox.Session) -> None:
    """All contenders in one run; writes the page of results. Advisory."""
    session.install("-e", ".[all]", *group("tests"), *group("bench"))
    page = "docs/explanation/performance.md"
    session.run("python", "-m", "tests.benchmarks", "--out", page, *session.posargs)
