"""Examples in docstrings are executed."""

import doctest
import importlib

import pytest

from tests.source import MODULES

CORE = sorted(name for name in MODULES if name.startswith("wstest_core"))


@pytest.mark.parametrize("module", CORE)
def test_examples_run(module: str) -> None:
    """What a docstring shows is what happens."""
    outcome = doctest.testmod(importlib.import_module(module))
    assert outcome.failed == 0
