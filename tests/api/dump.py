"""Writes the public surface as text: `python -m tests.api.dump`.

The files stand under version control, so a change in the surface shows in the diff.
Given the name of a package, it prints that package's.
"""

import enum
import importlib
import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Collection, Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
PACKAGES = ["wstest_core", "wstest_django", "wstest_fastapi"]
# Modules whose own names the reference documents.
MODULES = ["capture", "clock", "drivers", "events", "settings", "transcript"]


def dump(package: str) -> str:
    """Return the surface of a package as text.

    Django's modules can be imported only where there are settings, which this
    process must not have for good.
    """
    if package != "wstest_django":
        return surface(package)
    command = [sys.executable, "-m", "tests.api.dump", package]
    root = FOLDER.parents[1]
    return subprocess.run(
        command, cwd=root, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def configure_django() -> None:
    """Give Django the settings that its modules need to be imported."""
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]
    )
    django.setup()


def surface(package: str) -> str:
    top = importlib.import_module(package)
    lines = section(package, top.__all__)
    for name in MODULES if package == "wstest_core" else []:
        module = importlib.import_module(f"{package}.{name}")
        lines += ["", *section(module.__name__, {*module.__all__} - {*top.__all__})]
    return "\n".join(lines) + "\n"


def section(home: str, names: Collection[str]) -> list[str]:
    module = importlib.import_module(home)
    lines = [line for name in sorted(names) for line in described(module, name)]
    return [f"# {home}", *lines]


def described(module: object, name: str) -> Iterator[str]:
    value = getattr(module, name)
    if inspect.isclass(value):
        yield from described_class(name, value)
    elif inspect.isroutine(value):
        yield f"def {name}{signature(value)}"
    elif isinstance(value, str | int | frozenset) or is_alias(value):
        yield f"{name} = {stable(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def is_alias(value: object) -> bool:
    return typing.get_origin(value) is not None


def described_class(name: str, cls: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object)
    yield f"class {name}({bases})" if bases else f"class {name}"
    if not issubclass(cls, enum.Enum):
        yield f"    {signature(cls)}"
    for member in sorted(set(own_members(cls))):
        yield f"    {described_member(cls, member)}"


def own_members(cls: type) -> Iterator[str]:
    """Public names of our own classes, not what pydantic or Exception bring."""
    for home in cls.__mro__:
        if home.__module__.partition(".")[0] in PACKAGES:
            names = home.__dict__.keys() | inspect.get_annotations(home).keys()
            # pydantic puts its own, all named alike, into each model.
            yield from (n for n in names if not n.startswith(("_", "model_")))


def described_member(cls: type, name: str) -> str:
    value = inspect.getattr_static(cls, name, None)
    if isinstance(value, property):
        return f"{name}: property{returns(value.fget)}"
    if isinstance(value, staticmethod | classmethod):
        return f"{name} = {type(value).__name__}{signature(value.__func__)}"
    if inspect.isfunction(value):
        prefix = "async " if inspect.iscoroutinefunction(value) else ""
        return f"{prefix}def {name}{signature(value)}"
    return name


def returns(function: object) -> str:
    return signature(function).rpartition(")")[2]


def signature(value: object) -> str:
    if not callable(value):
        return ""
    try:
        return shortened(str(inspect.signature(value)))
    except ValueError:
        return "(...)"


def stable(value: object) -> str:
    """Text without addresses, set order or the home of a name."""
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(repr, value))) + "}"
    return shortened(repr(value))


def shortened(text: str) -> str:
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])", "", text)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        configure_django()
        sys.stdout.write(surface(sys.argv[1]))
    else:
        for package in PACKAGES:
            (FOLDER / f"{package}.txt").write_text(dump(package))
