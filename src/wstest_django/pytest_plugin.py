"""Registers the fixtures, in projects that use Django.

The adapters' fixtures have the same names, for they do the same. So these come
in only where Django has settings, and then before the other adapter's.
"""

import os
import sys

import pytest

__all__: list[str] = []


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures, unless the tests are of another application."""
    if _uses_django() and not config.getini("ws_app"):
        from wstest_django import _fixtures

        config.pluginmanager.register(_fixtures, "wstest_django_fixtures")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the application, if the other adapter has not."""
    words = "the application that the ws_ fixtures test: package.module:app"
    try:
        parser.addini("ws_app", words, type="string", default="")
    except ValueError:
        return


def _uses_django() -> bool:
    if os.environ.get("DJANGO_SETTINGS_MODULE"):
        return True
    module = sys.modules.get("django.conf")
    return module is not None and bool(module.settings.configured)
