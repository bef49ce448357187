"""Which names and capacities channel layers accept."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from typing import Any, Final, TypeAlias, cast

__all__ = ["CHANNEL", "GROUP", "Capacities", "compiled", "require_valid"]

# What names a channel in a mapping of capacities: a glob, or a pattern.
_Named: TypeAlias = Any
_Pairs: TypeAlias = Iterable[tuple[_Named, int]]
Capacities: TypeAlias = Mapping[_Named, int] | _Pairs

CHANNEL: Final = re.compile(r"[a-zA-Z\d\-_.]+(![\w\-_.]*)?")
GROUP: Final = re.compile(r"[a-zA-Z\d\-_.]+")


def compiled(capacities: Capacities) -> list[tuple[re.Pattern[str], int]]:
    """Return the pairs of pattern and capacity, in their order."""
    if isinstance(capacities, Mapping):
        return compiled(cast("Mapping[_Named, int]", capacities).items())
    return [
        (re.compile(translate(name)) if isinstance(name, str) else name, capacity)
        for name, capacity in capacities
    ]


def require_valid(
    kind: str, name: object, names: re.Pattern[str], *, shorter_than: int
) -> bool:
    """Return True, or raise TypeError for a name that no layer accepts."""
    if isinstance(name, str) and len(name) < shorter_than and names.fullmatch(name):
        return True
    raise TypeError(
        f"{kind} name must be a str of fewer than {shorter_than} ASCII letters, "
        f"digits, hyphens, underscores and periods, not {name!r}"
    )
