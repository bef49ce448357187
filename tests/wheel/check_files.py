"""What stands in every installation of the built wheel."""

from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest

PACKAGES = ["wstest_core", "wstest_django", "wstest_fastapi"]
FILES = [str(path) for path in distribution("wstest-core").files or []]


def test_wheel_is_what_is_tested() -> None:
    """The package comes from the installed wheel, not from the source tree."""
    import wstest_core

    assert "site-packages" in Path(wstest_core.__file__).parts


def test_version_is_the_distribution_s() -> None:
    """The version is said once and both agree."""
    import wstest_core

    assert wstest_core.__version__ == distribution("wstest-core").version


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_typed(package: str) -> None:
    """Each import package tells type checkers that it has types."""
    assert f"{package}/py.typed" in FILES


def test_nothing_but_the_packages_is_installed() -> None:
    """Neither tests nor docs land in the user's site-packages."""
    folders = {name.split("/")[0] for name in FILES if ".dist-info" not in name}
    assert folders - {".."} == set(PACKAGES)


def test_licence_is_shipped() -> None:
    """The BSD licence wants to travel with the code."""
    assert any(name.endswith("licenses/LICENSE") for name in FILES)


def test_pytest_finds_the_plugin(pytestconfig: pytest.Config) -> None:
    """The entry point is there and pytest has loaded it."""
    (point,) = entry_points(group="pytest11", name="wstest")
    assert point.value == "wstest_core.pytest_plugin"
    assert pytestconfig.pluginmanager.has_plugin("wstest")
