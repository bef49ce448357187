"""Examples in docstrings are executed."""

import doctest
import importlib
import inspect

import pytest

from tests.source import MODULES

CORE = sorted(name for name in MODULES if name.startswith("wstest_core"))


def examples(name: str) -> list[doctest.DocTest]:
    """Those of a module, and of what it defines under its public home."""
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder()
    found = finder.find(module)
    for thing in filter(inspect.isclass, vars(module).values()):
        home = thing.__module__
        if home != name and defined_in(thing) == inspect.getsourcefile(module):
            own = importlib.import_module(home)
            found += finder.find(thing, module=own, globs={**vars(module)})
    return [each for each in found if each.examples]


def defined_in(thing: type[object]) -> str | None:
    """The file of a class, whatever module it says."""
    methods = filter(inspect.isfunction, vars(thing).values())
    return next((method.__code__.co_filename for method in methods), None)


@pytest.mark.parametrize("module", CORE)
def test_examples_run(module: str) -> None:
    """What a docstring shows is what happens."""
    runner = doctest.DocTestRunner()
    for each in examples(module):
        runner.run(each)
    assert runner.failures == 0


def test_examples_are_found() -> None:
    """Also those of classes that say another module than they stand in."""
    for module in ("communicator", "sync", "application", "transcript"):
        assert examples(f"wstest_core.{module}"), module
