"""Sphinx configuration."""

from wstest_core import __version__

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

# Our own names must all resolve. Those of Python and of other projects have no pages
# here, and their inventories would have to be fetched.
nitpick_ignore_regex = [("py:.*", r"(?!wstest_).*")]
