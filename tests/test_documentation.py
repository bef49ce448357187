"""The documentation speaks of what there is, and of all of it."""

import pkgutil
import re
from pathlib import Path

import pytest
from django.test import TestCase

import wstest_core
import wstest_django
import wstest_fastapi
from tests.source import SOURCE

ROOT = SOURCE.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
DIRECTIVE = re.compile(
    r"^\.\. auto(?:class|exception|function|data):: (wstest_\w+\.\w+)\b", re.M
)
DESCRIBED = {name for page in PAGES for name in DIRECTIVE.findall(page.read_text())}
# What adapters pass on is described where it comes from.
PASSED_ON = {
    f"{package.__name__}.{name}": f"wstest_core.{name}"
    for package in (wstest_django, wstest_fastapi)
    for name in {*package.__all__} & {*wstest_core.__all__}
    if package._HOMES[name].startswith("wstest_core")
}
PUBLIC = [
    f"{package.__name__}.{name}"
    for package in (wstest_core, wstest_django, wstest_fastapi)
    for name in package.__all__
    if name != "__version__"
]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_its_reference(name: str) -> None:
    """Each exported name stands in the reference."""
    assert PASSED_ON.get(name, name) in DESCRIBED


def test_every_verb_has_its_reference() -> None:
    """The members that are listed by hand, in groups, are all there are."""
    page = (ROOT / "docs/reference/communicators.md").read_text()
    listed = re.findall(r"auto\w+:: wstest_core\.WebsocketCommunicator\.(\w+)", page)
    assert len(listed) == len(set(listed))
    assert set(listed) == public(wstest_core.WebsocketCommunicator)


def test_every_member_of_a_test_case_has_its_reference() -> None:
    """What it adds to Django's is listed by hand: methods, attributes in a table."""
    page = (ROOT / "docs/reference/django.md").read_text()
    described = page.split("WebsocketTransactionTestCase")[0]
    listed = set(re.findall(r"   \.\. auto\w+:: (\w+)", described))
    for row in re.findall(r"^\| (`.*?) \|", described, re.M):
        listed |= set(re.findall(r"`(\w+)`", row))
    added = public(wstest_django.WebsocketTestCase) - public(TestCase)
    assert added <= listed
    assert listed <= added | {"ws_headers", "subprotocols", "channel_layers"}


def public(thing: type[object]) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_dotted_name_exists(page: Path) -> None:
    """What pages and directives name by its package can be imported from there."""
    names = r"\bwstest_(?:core|django|fastapi)(?:\.\w+)+"
    for name in re.findall(names, page.read_text()):
        assert pkgutil.resolve_name(name) is not None


@pytest.mark.parametrize("adapter", ["django", "fastapi"])
def test_every_fixture_has_its_row(adapter: str) -> None:
    """The page on an adapter's fixtures has each of them in its table."""
    module = {"django": "_fixtures", "fastapi": "pytest_plugin"}[adapter]
    source = (SOURCE / f"wstest_{adapter}" / f"{module}.py").read_text()
    page = (ROOT / f"docs/how-to/{adapter}-fixtures.md").read_text()
    rows = "\n".join(re.findall(r"^\| (`ws_.*?) \|", page, re.M))
    fixtures = set(re.findall(r"@pytest\.fixture\ndef (ws_\w+)", source))
    assert fixtures == set(re.findall(r"`(ws_\w+)`", rows))


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
