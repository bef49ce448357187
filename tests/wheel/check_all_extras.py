"""The wheel with every extra installed."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["wstest_core", "wstest_django", "wstest_fastapi"])
def test_package_imports_alone(package: str) -> None:
    """Each package imports first and alone, without a warning."""
    command = [sys.executable, "-W", "error", "-c", f"import {package}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
