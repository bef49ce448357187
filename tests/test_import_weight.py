"""What an import brings with it, seen in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = {
    *("pydantic", "pydantic_core", "anyio", "asyncio", "trio", "websockets"),
    *("django", "channels", "fastapi", "starlette", "fast_channels", "uvicorn"),
    *("httpx2", "asgiref", "hypothesis"),
}


def modules_loaded_by(code: str) -> set[str]:
    """The top-level names in `sys.modules` after running `code` alone."""
    tail = "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code + tail]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import wstest_core",
        "import wstest_core.errors",
        "import wstest_core.constants",
        "import wstest_core.settings",
    ],
)
def test_import_is_light(code: str) -> None:
    """What every process pays for loads nothing heavy until a name is used."""
    assert modules_loaded_by(code) & HEAVY == set()


def test_plugin_adds_nothing_heavy_to_pytest() -> None:
    """pytest with the plugin has loaded no heavy module that it had not before."""
    before = modules_loaded_by("import pytest")
    after = modules_loaded_by("import pytest, wstest_core.pytest_plugin")
    assert (after - before) & HEAVY == set()


def test_run_that_does_not_use_it_stays_light(pytester: pytest.Pytester) -> None:
    """A whole run of tests that use nothing of ours loads nothing for us."""
    pytester.makepyfile(
        f"""
        import sys

        def test_nothing_of_ours():
            assert {HEAVY!r} & sys.modules.keys() == set()
        """
    )
    options = ("-p", "wstest_core.pytest_plugin", "-p", "no:cacheprovider")
    command = (sys.executable, "-m", "pytest", *options)
    # Only our plugin: others load what they like.
    result = pytester.run(*command, "--disable-plugin-autoload")
    result.assert_outcomes(passed=1)


def test_using_a_name_loads_what_it_needs() -> None:
    """Lazy means late, not never: the check would see a heavy import."""
    loaded = modules_loaded_by("from wstest_core import BaseMessage")
    assert "pydantic" in loaded
