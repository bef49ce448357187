"""The directive `session`: what went over the wire in a test of the page, as a picture.

```{session} test_name
What the picture shows, in a sentence.
```

All that the page says above the directive is done in an empty folder: its files are
written, or its Python blocks are one file where it names none. Then pytest runs the
test, and what its clients have sent and were sent is drawn. So a picture shows what
happens, whenever the documentation is built. `:without: text` leaves out the lines of
files that contain a text, for a test that fails; else the test must pass.
"""

import re
import tempfile
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tests.followed import ROOT, follow, leave_out, run
from wstest_core._style import STYLE

DJANGO = ["--ds=mysite.settings"]
OPTIONS = ["-p", "tests.drawn", "-p", "no:asyncio", "-o", "anyio_mode=auto"]


class Session(SphinxDirective):
    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"without": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        page = Path(self.env.doc2path(self.env.docname))
        above = "".join(page.read_text("utf-8").splitlines(True)[: self.lineno - 1])
        left_out = self.options.get("without")
        try:
            picture = drawn(above, self.arguments[0], left_out)
        except RuntimeError as error:
            raise self.error(str(error)) from error
        figure = nodes.figure(classes=["session"])
        figure += nodes.raw("", without_links(picture), format="html")
        figure += nodes.caption("", "", *self.parse_inline(" ".join(self.content))[0])
        return [figure]


def drawn(text: str, test: str, left_out: str | None) -> str:
    """Follow a page, run one test of it, and return the picture."""
    with tempfile.TemporaryDirectory() as name:
        picture, folder = Path(name, "drawn.svg"), follow(text, Path(name))
        if left_out:
            for file in folder.rglob("[!t]*.py"):  # of the application, not of tests
                leave_out(left_out, file)
        options = [*OPTIONS, *(DJANGO if (folder / "manage.py").exists() else [])]
        files = [str(path) for path in folder.rglob("test*.py")]
        only = ["-k", f"{test} and not trio"]
        shown = run(
            folder,
            *("-m", "pytest", *options, *only, *files),
            DRAWN=str(picture),
            PYTHONPATH=str(ROOT),
        )
        if f"1 {'failed' if left_out else 'passed'}" not in shown:
            raise RuntimeError(f"{test}: {shown}")
        return picture.read_text("utf-8")


def without_links(picture: str) -> str:
    """A picture whose arrows lead nowhere: there is no list of entries here."""
    return re.sub(r'<a href="#m\d+"', "<a", picture)


def write_style(app: Sphinx, error: Exception | None) -> None:
    """Let the pictures look as they do on the pages of failed tests."""
    rules = re.findall(r"^svg .*?\}$", STYLE, re.M | re.S)
    rules = [re.sub(r"\bsvg\b", ".session svg", rule) for rule in rules]
    if error is None and app.builder.format == "html":
        (app.outdir / "_static" / "session.css").write_text("\n".join(rules))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("session", Session)
    app.add_css_file("session.css")
    app.connect("build-finished", write_style)
    return {"parallel_read_safe": True}
