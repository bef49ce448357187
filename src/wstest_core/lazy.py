"""Packages whose names are loaded when they are first used.

So importing a package costs next to nothing, and what a name needs that is not
installed is said when it is asked for, in one sentence. A pytest plugin is
loaded in every environment that its distribution is installed in.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec

__all__ = ["lister", "loader", "missing", "require"]


def loader(
    namespace: dict[str, object],
    homes: Mapping[str, str],
    needs: Callable[[str], object] = lambda home: None,
) -> Callable[[str], object]:
    """Return a `__getattr__` for the module with these globals (PEP 562).

    `homes` says in which module each name is found; `needs` is called with that
    module before it is imported, and may raise.
    """
    own = namespace["__name__"]

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {own!r} has no attribute {name!r}")
        needs(home)
        found: object = getattr(import_module(home), name)
        namespace[name] = found
        return found

    return load


def lister(
    namespace: Mapping[str, object],
    homes: Mapping[str, str],
    needs: Callable[[str], object],
) -> Callable[[], list[str]]:
    """Return a `__dir__` for that module, without names whose need is missing.

    Who asks for each name, as `help()` does, then meets no error.
    """

    def is_there(home: str) -> bool:
        try:
            needs(home)
        except ModuleNotFoundError:
            return False
        return True

    def names() -> list[str]:
        there = {home for home in set(homes.values()) if is_there(home)}
        return sorted({*namespace, *(name for name in homes if homes[name] in there)})

    return names


def require(package: str, extra: str, *alternatives: str) -> None:
    """Check that one of these packages is installed.

    Raises:
        ModuleNotFoundError: naming the extra that brings it.
    """
    if not any(find_spec(name) for name in alternatives):
        raise missing(package, extra, alternatives[0])


def missing(package: str, extra: str, name: str) -> ModuleNotFoundError:
    """Return the error for a package that is not there."""
    return ModuleNotFoundError(
        f"{package} needs {name}, not installed here: "
        f'python -m pip install "wstest-core[{extra}]"',
        name=name,
    )
