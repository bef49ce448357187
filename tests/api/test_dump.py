"""A change of the public surface is seen and meant."""

import difflib
import sys

import pytest

from tests.api.dump import FOLDER, PACKAGES, dump


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="other Pythons print signatures otherwise"
)
@pytest.mark.parametrize("package", PACKAGES)
def test_surface_is_the_committed_one(package: str) -> None:
    """The committed dump describes the code."""
    committed = (FOLDER / f"{package}.txt").read_text().splitlines()
    change = difflib.unified_diff(committed, dump(package).splitlines(), lineterm="")
    text = "\n".join(change)
    assert not text, f"{text}\nIf you mean it: python -m tests.api.dump"


def test_dump_shows_a_name_and_its_signature() -> None:
    """The dump is not empty where it matters."""
    assert "class WebsocketCommunicator" in dump("wstest_core")
    assert "def connect(self" in dump("wstest_core")
    assert "def create_communicator(self" in dump("wstest_django")
