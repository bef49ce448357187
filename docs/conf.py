"""Sphinx configuration."""

import re

import django
from django.conf import settings
from sphinx.application import Sphinx

from wstest_core import __version__

# Django's modules can be imported only where there are settings.
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]
)
django.setup()

CODE = re.compile(r"(?<![:`])`([^`]+)`(?!`)")

project = "wstest-core"
author = "the wstest-core authors"
copyright = "2026, the wstest-core authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = f"wstest-core {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"

# Our own names must all resolve, but for private ones and type variables. Those of
# Python and of other projects have no pages here, and their inventories would have to
# be fetched.
nitpick_ignore_regex = [
    ("py:.*", r"(?!wstest_).*"),
    ("py:.*", r"wstest_\w+\.(.*\.)?_.*"),
    ("py:.*", r"wstest_\w+\..*\.[A-Z](_co)?"),
]


def as_restructured_text(*event: object) -> None:
    """In our docstrings single backticks hold code, as in Markdown.

    So does what is indented after a colon.
    """
    lines = event[-1]
    assert isinstance(lines, list)
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


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", as_restructured_text, priority=900)
