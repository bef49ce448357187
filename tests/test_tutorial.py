"""Who follows the pages of the tutorial to the letter sees what they say.

Those that need Django are followed by tests at their own ends.
"""

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.followed import (
    ROOT,
    assert_shown,
    follow,
    leave_out,
    outputs_of,
    run_pytest,
)

TUTORIAL = ROOT / "docs" / "tutorial"
ANY = (TUTORIAL / "first-test.md").read_text()
FASTAPI = (TUTORIAL / "fastapi.md").read_text()
STARLETTE = "## With Starlette"

pytestmark = pytest.mark.skipif(
    version("anyio").startswith("4.10"), reason="an anyio without anyio_mode"
)


def test_any_application(tmp_path: Path) -> None:
    """From an empty folder to a passing test, and what a failing one says."""
    (above, passed), (_, failure) = outputs_of(ANY)
    follow(above, tmp_path)
    assert_shown(passed, run_pytest(tmp_path))
    follow(ANY, tmp_path)
    seen = run_pytest(tmp_path)
    assert_shown(failure, seen)
    assert "1 failed, 4 passed" in seen


def test_fastapi(tmp_path: Path) -> None:
    """From an empty folder to passing tests, and what a failing one says."""
    (one, first), (four, all_of_them), (above, failure) = outputs_of(FASTAPI)
    follow(one, tmp_path)
    assert_shown(first, run_pytest(tmp_path))
    follow(four, tmp_path)
    assert_shown(all_of_them, run_pytest(tmp_path))
    follow(above, tmp_path)
    leave_out(".add(socket)", tmp_path / "app.py")
    assert_shown(failure, run_pytest(tmp_path, "--wstest-report=pages"))
    assert "no frame for bob" in (tmp_path / "pages" / "index.html").read_text()


def test_starlette(tmp_path: Path) -> None:
    """The same tests pass with the application written for Starlette."""
    follow(FASTAPI, tmp_path)
    assert "Starlette(" in (tmp_path / "app.py").read_text()
    _, (_, all_of_them), _ = outputs_of(FASTAPI)
    assert_shown(all_of_them, run_pytest(tmp_path))
