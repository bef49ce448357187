"""Pages of the documentation as test modules, for tests that need Django.

The Python blocks of a page are executed from top to bottom in one namespace, when
the page is collected. The tests, test cases and fixtures that a block defines are
then collected as if the page were a module, so pytest-django and the fixtures of
`wstest_django` serve them.
"""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

DOCS = Path(__file__).resolve().parent.parent / "docs"
BLOCKS = Sybil(parsers=[CodeBlockParser("python", PythonEvaluator())])
OWN = "__name__"


class Pages(pytest.File):
    """The pages that match patterns; `path` is the conftest that asks for them."""

    def __init__(self, patterns: tuple[str, ...], **others: Any) -> None:
        super().__init__(**others)
        self.patterns = patterns

    def collect(self) -> Iterator[pytest.Collector]:
        found = {page for pattern in self.patterns for page in DOCS.glob(pattern)}
        for page in sorted(found):
            nodeid = f"docs/{page.relative_to(DOCS).as_posix()}"
            yield Page.from_parent(self, path=page, name=nodeid, nodeid=nodeid)


class Page(pytest.File):
    """One page."""

    def collect(self) -> Iterator[pytest.Collector]:
        document = BLOCKS.parse(self.path)
        document.namespace[OWN] = self.path.stem
        for example in document.examples():
            before = dict(document.namespace)
            example.evaluate()
            yield self._block(example, before)

    def _block(self, example: Example, before: dict[str, Any]) -> pytest.Module:
        """Make a module of what a block has defined."""
        module = ModuleType(self.path.stem)
        for name, value in example.namespace.items():
            if before.get(name) is not value:
                setattr(module, name, value)
        # With the page's own id, so that fixtures of earlier blocks are found.
        name = f"line {example.line}"
        block = pytest.Module.from_parent(
            self, path=self.path, name=name, nodeid=self.nodeid
        )
        block.obj = module
        return block
