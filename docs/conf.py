"""Sphinx configuration."""

import sys
from pathlib import Path

import django
from django.conf import settings

from wstest_core import __version__

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "extensions"), str(DOCS.parent)]

# Django's modules can be imported only where there are settings.
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]
)
django.setup()

project = "wstest-core"
author = "the wstest-core authors"
copyright = "2026, the wstest-core authors"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "names",
    "session",
    "sources",
]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = f"wstest-core {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 80

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
# pydantic's, and the same in every model.
autodoc_default_options = {"exclude-members": "model_config"}

# Our own names must all resolve, but for private ones and type variables. Those of
# Python and of other projects have no pages here, and their inventories would have to
# be fetched.
nitpick_ignore_regex = [
    ("py:.*", r"(?!wstest_).*"),
    ("py:.*", r"wstest_\w+\.(.*\.)?_.*"),
    ("py:.*", r"wstest_\w+\..*\.[A-Z](_co)?"),
]
