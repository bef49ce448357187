"""Dependencies of an application that are others for the length of a test."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, runtime_checkable

__all__ = ["dependency_overrides"]

# A dependency takes and returns what it likes.
_Dependency: TypeAlias = Callable[..., Any]


@runtime_checkable
class _Overridable(Protocol):
    """What `FastAPI` is, seen from here."""

    dependency_overrides: dict[_Dependency, _Dependency]


@contextmanager
def dependency_overrides(
    application: object,
    overrides: Mapping[_Dependency, _Dependency] | None = None,
) -> Generator[None]:
    """Override dependencies within a block; put back what was there before.

    Whatever the block itself sets in `application.dependency_overrides` is
    undone too, also after an error, and the same in applications mounted on
    it. An application that has no such table is left alone.

    Raises:
        TypeError: for overrides of an application that cannot have any.
    """
    if overrides and not isinstance(application, _Overridable):
        raise TypeError(
            f"{application!r} has no dependency_overrides: give the FastAPI object"
        )
    before = [
        (each, each.dependency_overrides, dict(each.dependency_overrides))
        for each in _overridable(application)
    ]
    if overrides and isinstance(application, _Overridable):
        application.dependency_overrides.update(overrides)
    try:
        yield
    finally:
        for each, table, content in before:
            table.clear()
            table.update(content)
            each.dependency_overrides = table


def _overridable(application: object) -> Iterator[_Overridable]:
    """Yield the application, what it is wrapped around and what it mounts."""
    pending, seen = [application], set[int]()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, _Overridable):
            yield each
        inner: list[object] = [each, *(getattr(each, "routes", None) or ())]
        pending += [getattr(one, "app", None) for one in inner]
