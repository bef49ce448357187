"""How autodoc reads our sources.

In docstrings single backticks hold code, as in Markdown, and so does what is indented
after a colon. Members stand in the order of the source, which autodoc does not find by
itself: our classes name the package as their module. Long unions have a name in
signatures (see the page on types), and of many overloads only the function stays.
"""

import pkgutil
import re
from importlib import import_module

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

PACKAGES = ["wstest_core", "wstest_django", "wstest_fastapi"]
CODE = re.compile(r"(?<![:`])`([^`]+)`(?!`)")
SHORTER = [
    (r"~(?!wstest_)(?:\w+\.)+", ""),
    (r"Callable\[\[\.\.\.\], Any\]", "AsgiApplication"),
    (
        r"Mapping\[str, str\] \| Iterable\[tuple\[bytes \| str, bytes \| str\]\]",
        "Headers",
    ),
    (r"~?wstest_core\._arguments\.Options", "Options"),
    (r"~?wstest_django\._sockets\.Handshake", "Handshake"),
    (r"<function [^>]*>+", "..."),
]
# Stands for a colon while napoleon reads, which takes what is before one for a type.
COLON = "\ue000"


def read_sources() -> None:
    for package in map(import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            part = analyzed(module.name)
            part.overloads = {
                function: signatures
                for function, signatures in part.overloads.items()
                if len(signatures) < 3
            }
            home = module.name
            while "." in home:
                home = home.rpartition(".")[0]
                lend_order(part, analyzed(home))


def analyzed(name: str) -> ModuleAnalyzer:
    analyzer = ModuleAnalyzer.for_module(name)
    analyzer.analyze()
    return analyzer


def lend_order(part: ModuleAnalyzer, whole: ModuleAnalyzer) -> None:
    after = len(whole.tagorder)
    for tag, number in part.tagorder.items():
        whole.tagorder.setdefault(tag, after + number)


def before_napoleon(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    if what in ("attribute", "property"):
        lines[:] = [line.replace(":", COLON) for line in lines]


def docstring(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]
    for number, line in enumerate(lines):
        if begins_code(lines[number : number + 3]):
            lines[number] = f"{line}:"
        elif ">>>" not in line:
            lines[number] = CODE.sub(r"``\1``\\ ", line)


def begins_code(lines: list[str]) -> bool:
    if len(lines) < 3 or not lines[0].endswith(":") or lines[1]:
        return False
    return indentation(lines[2]) >= indentation(lines[0]) + 4


def indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def signature(
    app: Sphinx,
    what: str,
    name: str,
    thing: object,
    options: object,
    arguments: str | None,
    returns: str | None,
) -> tuple[str, str | None] | None:
    if arguments is None:
        return None
    if what == "exception" or (what == "class" and is_made_by_others(thing)):
        return "", None
    returns = shorter(returns or "")
    if hasattr(thing, "__wrapped__"):  # a generator behind contextmanager
        of = r"Generator\[(.*?)(?:, None)*\]$"
        returns = re.sub(of, r"AbstractContextManager[\1]", returns)
    return shorter(arguments), returns


def is_made_by_others(thing: object) -> bool:
    """Whether nobody calls a class: a protocol, or a test case."""
    return getattr(thing, "_is_protocol", False) or hasattr(thing, "assertEqual")


def shorter(text: str) -> str:
    for pattern, short in SHORTER:
        text = re.sub(pattern, short, text)
    return text


def setup(app: Sphinx) -> dict[str, bool]:
    read_sources()
    app.connect("autodoc-process-docstring", before_napoleon, priority=100)
    app.connect("autodoc-process-docstring", docstring, priority=900)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True}
