"""The test that a warning is about."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeAlias, final

from wstest_core.errors import address, warn

__all__ = ["Owner"]

_Function: TypeAlias = Callable[..., Any]


@final
@dataclass(frozen=True, slots=True)
class Owner:
    """A test: its name, and the function that it is.

    What comes up while a test case closes what a test has left open has no
    line of the test's own. Located at one of this library's it would not say
    whose it is, and of several that are alike Python shows but the first.
    """

    name: str
    function: _Function

    def warn(self, text: str, kind: type[Warning]) -> None:
        """Warn as `wstest_core.errors.warn`, with the name, at the function."""
        text = f"{text}\nIn {self.name}"
        code: CodeType | None = getattr(self.function, "__code__", None)
        if code is None:
            warn(text, kind)
            return
        names = self.function.__globals__
        warnings.warn_explicit(
            f"{text}\n{address(kind)}",
            kind,
            filename=code.co_filename,
            lineno=code.co_firstlineno,
            module=names["__name__"],
            registry=names.setdefault("__warningregistry__", {}),
        )
