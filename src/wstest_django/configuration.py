"""What the project's settings say about its WebSocket tests."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias, TypeVar, cast, get_args

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from wstest_core.settings import Settings, Unread, check_seconds, current

__all__ = [
    "Configuration",
    "as_chanx_has_it",
    "authentication_message",
    "camel_case",
    "configuration",
]

M = TypeVar("M")
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


_DEFAULT: Final = Configuration()


def configuration() -> Configuration:
    """Read the setting as it is now.

    Raises:
        ImproperlyConfigured: for a key that there is not, or a wrong value.
    """
    found: _Value = getattr(settings, "WSTEST", {})
    if not isinstance(found, Mapping):
        raise ImproperlyConfigured(
            f"the setting WSTEST is {found!r}: give a dictionary, as in "
            'WSTEST = {"TIMEOUT": 5}'
        )
    _check_keys(cast("Mapping[object, object]", found))
    given = cast("dict[str, _Value]", found)
    for name, value in given.items():
        _check_value(name, value)
    return Configuration(**given)


def _check_keys(found: Mapping[object, object]) -> None:
    known = [field.name for field in fields(Configuration)]
    if unknown := sorted(repr(name) for name in found if name not in known):
        raise ImproperlyConfigured(
            f"the setting WSTEST has no key {', '.join(unknown)}; "
            f"there are {', '.join(known)}"
        )


def _check_value(name: str, value: _Value) -> None:
    is_right, choices = _CHOICES[name]
    if value is not getattr(_DEFAULT, name) and not is_right(value):
        raise ImproperlyConfigured(
            f"the setting WSTEST has {value!r} for {name!r}: give {choices}"
        )


def _is_seconds(value: _Value) -> bool:
    try:
        check_seconds(value)
    except (TypeError, ValueError):
        return False
    return not _is_bool(value)


def _is_bool(value: _Value) -> bool:
    return isinstance(value, bool)


_CHOICES: Final[Mapping[str, tuple[Callable[[_Value], bool], str]]] = {
    "TIMEOUT": (_is_seconds, "seconds as a number, 0 or more"),
    "UNREAD": (lambda value: value in get_args(Unread), "'warn', 'error' or 'ignore'"),
    "VIRTUAL_CLOCK": (_is_bool, "True or False"),
    "CAMELIZE": (_is_bool, "True or False"),
    "SEND_AUTHENTICATION_MESSAGE": (_is_bool, "True or False"),
}


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


def as_chanx_has_it(message: M, consumer: type[object] | None) -> M:
    """Return an authentication message of a consumer of chanx's in chanx's class.

    None of its consumers declares it, so no codec makes it of one.
    """
    from wstest_core.messages import AuthenticationMessage

    chanx = sys.modules.get("chanx.messages.outgoing")
    ancestors = () if consumer is None else consumer.__mro__
    is_of_chanx = any(each.__module__.startswith("chanx.") for each in ancestors)
    if not (isinstance(message, AuthenticationMessage) and chanx and is_of_chanx):
        return message
    own: M = chanx.AuthenticationMessage.model_validate(message.model_dump())
    return own


def _of_chanx(name: str) -> bool | None:
    """Return a setting of chanx, which is loaded once it is used, or None."""
    chanx = sys.modules.get("chanx.channels.settings")
    return None if chanx is None else bool(getattr(_settings_in(chanx), name))


def _settings_in(chanx: _Value) -> _Value:
    return chanx.chanx_settings
