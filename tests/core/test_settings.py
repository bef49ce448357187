"""The defaults that communicators fall back on."""

import pytest

from tests.backends import on
from tests.core.scripted import echo
from wstest_core import NoMessage, WebsocketCommunicator, settings


def test_overrides_are_undone() -> None:
    """override() changes the defaults within its block only, on error too."""
    before = settings.current.timeout
    with pytest.raises(ZeroDivisionError), settings.override(timeout=9.0):
        assert settings.current.timeout == 9.0
        raise ZeroDivisionError
    assert settings.current.timeout == before


def test_unknown_settings_are_named() -> None:
    """A setting that is none is one clear error."""
    with (
        pytest.raises(TypeError, match="no such setting: timout; there are"),
        settings.override(timout=1),
    ):
        pytest.fail("the body must not run")


@pytest.mark.anyio
@on("asyncio-uvloop")
async def test_the_default_timeout_is_used() -> None:
    """A verb without a timeout takes the communicator's, then the default."""
    with settings.override(timeout=0.02):
        async with WebsocketCommunicator(echo, "/") as ws:
            with pytest.raises(NoMessage, match=r"within 0\.02 s"):
                await ws.receive_text()
        async with WebsocketCommunicator(echo, "/", timeout=0.03) as ws:
            with pytest.raises(NoMessage, match=r"within 0\.03 s"):
                await ws.receive_text()
