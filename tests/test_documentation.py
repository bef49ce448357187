"""The documentation speaks of what there is, and of all of it."""

import re
from pathlib import Path

import pytest

import wstest_core
from tests.source import SOURCE

ROOT = SOURCE.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
DIRECTIVE = re.compile(r"auto(?:class|exception|function|data):: wstest_core\.(\w+)$")


@pytest.mark.parametrize("name", sorted({*wstest_core.__all__} - {"__version__"}))
def test_every_public_name_has_its_reference(name: str) -> None:
    """Each exported name stands in the reference."""
    text = "\n".join(page.read_text() for page in PAGES)
    described = {DIRECTIVE.search(line) for line in text.splitlines()}
    assert name in {match.group(1) for match in described if match}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_verb_that_is_named_exists(page: Path) -> None:
    """A documented method that does not exist is impossible."""
    text = page.read_text()
    verbs = r"(?:send|receive|expect|assert|wait_for)_\w+"
    named = set(re.findall(rf"`(?:ws\.)?({verbs})\(", text))
    named |= set(re.findall(rf"\bws\.({verbs})\(", text))
    for twin in ("WebsocketCommunicator", "SyncWebsocketCommunicator"):
        known = set(dir(getattr(wstest_core, twin))) | set(wstest_core.__all__)
        assert named <= known


def test_documented_options_are_the_plugin_s(pytestconfig: pytest.Config) -> None:
    """The page on the plugin names its options, and all of them."""
    text = (ROOT / "docs/how-to/pytest-plugin.md").read_text()
    registered = {name for name in pytestconfig._parser._inidict if "wstest" in name}
    assert set(re.findall(r"`(wstest_\w+)`", text)) == registered
    assert set(re.findall(r"^(wstest_\w+) =", text, re.M)) <= registered
    for name in re.findall(r"`--(wstest-[\w-]+)`", text):
        pytestconfig.getoption(name.replace("-", "_"))
