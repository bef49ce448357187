"""What the project's settings say about its WebSocket tests."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from wstest_core.settings import Settings, Unread, current

__all__ = ["Configuration", "authentication_message", "camel_case", "configuration"]

_Value: TypeAlias = Any
_PLAIN: Final = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The setting `WSTEST`, a dictionary; each key is optional.

    `TIMEOUT`, in seconds, `UNREAD` and `VIRTUAL_CLOCK` are the defaults of
    communicators (see `wstest_core.settings`). `CAMELIZE` says that the
    application speaks camelCase, and `SEND_AUTHENTICATION_MESSAGE` that it
    tells each client how it was authenticated; both are read from `CHANX`
    where chanx is used.
    """

    __module__ = "wstest_django"

    TIMEOUT: float | None = None
    UNREAD: Unread | None = None
    VIRTUAL_CLOCK: bool | None = None
    CAMELIZE: bool = False
    SEND_AUTHENTICATION_MESSAGE: bool | None = None

    def defaults(self) -> dict[str, object]:
        """Return what it changes of `wstest_core.settings`.

        What somebody else has changed there, such as a mark of pytest, stays.
        """
        wanted = {
            "timeout": self.TIMEOUT,
            "unread": self.UNREAD,
            "virtual_clock": self.VIRTUAL_CLOCK,
        }
        return {
            name: value
            for name, value in wanted.items()
            if value is not None and getattr(current, name) == getattr(_PLAIN, name)
        }


def configuration() -> Configuration:
    """Read the setting as it is now.

    Raises:
        ImproperlyConfigured: for a key that there is not.
    """
    found: Mapping[str, _Value] = getattr(settings, "WSTEST", {})
    known = [field.name for field in fields(Configuration)]
    if unknown := sorted(found.keys() - set(known)):
        raise ImproperlyConfigured(
            f"the setting WSTEST has no key {', '.join(map(repr, unknown))}; "
            f"there are {', '.join(known)}"
        )
    return Configuration(**found)


def authentication_message(wanted: bool | None) -> bool | None:
    """Say whether an application sends an authentication message.

    Either what the test says, or the settings; None where they do not say.
    """
    if wanted is None:
        wanted = configuration().SEND_AUTHENTICATION_MESSAGE
    return _of_chanx("SEND_AUTHENTICATION_MESSAGE") if wanted is None else wanted


def camel_case() -> bool:
    """Say whether an application speaks camelCase where no consumer says it."""
    return configuration().CAMELIZE or bool(_of_chanx("CAMELIZE"))


def _of_chanx(name: str) -> bool | None:
    """Return a setting of chanx, which is loaded once it is used, or None."""
    chanx = sys.modules.get("chanx.channels.settings")
    return None if chanx is None else bool(getattr(_settings_in(chanx), name))


def _settings_in(chanx: _Value) -> _Value:
    return chanx.chanx_settings
