"""Builds the text of every failure.

Four parts: what was wanted and for whom; what was seen; what the application
is doing now; what to do, where a remedy is known.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from wstest_core.constants import COMPLETE_ACTIONS
from wstest_core.events import Silence
from wstest_core.transcript import Transcript

__all__ = [
    "context",
    "differences",
    "failure",
    "lack",
    "passed_over",
    "patience",
    "remedy",
    "silence",
]

_SHOWN = 10


def failure(
    wanted: str, *, transcript: Transcript, doing: str, remedy: str | None = None
) -> str:
    """Return the text of a failure.

    `wanted` is its first line, `doing` a sentence on the application.
    """
    last = " ".join(filter(None, [doing, remedy]))
    return f"{wanted}\n\n{context(transcript, last)}"


def context(transcript: Transcript, doing: str) -> str:
    """Return what was seen and what the application is doing."""
    return f"{_seen(transcript)}\n\n{doing}"


def lack(wanted: object) -> str:
    """Say that something is missing: "no message of type A"."""
    words = str(wanted)
    for article in ("a ", "an ", "the "):
        words = words.removeprefix(article)
    return f"no {words}"


def silence(silence: Silence, timeout: float, *, collected: bool = False) -> str:
    """Say why nothing came, as the end of a first line.

    `collected` tells that `timeout` was for several messages, and some came.
    """
    whole = f"the {timeout:g} s for the whole collection"
    match silence.kind:
        case "proved":
            end = f", and {whole} end before that" if collected else ""
            return f"{silence.why}{end}" if silence.why else "nothing more can arrive"
        case "presumed":
            return f"nothing more is expected to arrive ({silence.why})"
        case _:
            within = f"nothing arrived within {timeout:g} s"
            return (
                f"{f'it did not come within {whole}' if collected else within} "
                f"(not provable sooner: {silence.why})"
            )


def patience(
    doing: str, coming: str | None, timeout: float, *, jumps: bool, plain: bool
) -> str:
    """Say how to wait for what is to happen later.

    `coming` is where that is, if it is known. `jumps` tells that time jumps
    already, `plain` that the test is no coroutine.
    """
    clock = "@pytest.mark.wstest(virtual_clock=True)" if plain else "virtual_clock()"
    how = f"give it time with timeout=, or let time jump: {clock}."
    if jumps:
        how = f"give it more than {timeout:g} s with timeout=: time jumps already."
    if coming is None:
        return f"If what you wait for comes later, {how}"
    if f"{coming}." in doing:
        return f"{how[0].upper()}{how[1:]}"
    return (
        f"The next thing that can happen is {coming}. "
        f"If that is what you wait for, {how}"
    )


def passed_over(actions: Sequence[str]) -> str | None:
    """Say which completion messages a wait did not count, if there were any."""
    if not actions:
        return None
    several = len(actions) > 1
    count = "1 completion message was"
    if several:
        count = f"{len(actions)} completion messages were"
    names = ", ".join(map(repr, dict.fromkeys(actions)))
    return (
        f"{count} passed over: {names}. receive_json() reads "
        f"{'them' if several else 'it'} as any other frame."
    )


def remedy(stop: str, actions: Sequence[str | None]) -> str | None:
    """Say how to stop instead, where a completion message was waited for."""
    if not any(f"'{action}'" in stop for action in COMPLETE_ACTIONS):
        return None
    if any(action in COMPLETE_ACTIONS for action in actions):
        return None
    last = actions[-1] if actions and actions[-1] else "its last action"
    return (
        "It has sent no completion message: stop on its last message instead, "
        f'on_action("{last}"), or receive_all_messages().'
    )


def differences(message: object, fields: Mapping[str, object]) -> list[str]:
    """Return a line for each field that is not as expected.

    Raises:
        TypeError: for a field that such a message does not have.
    """
    return [
        f"  {name}: expected {wanted!r}, found {found!r}"
        for name, wanted in fields.items()
        if not _equal(found := _field(message, name), wanted)
    ]


def _field(message: object, name: str) -> object:
    if isinstance(message, Mapping):
        return cast("Mapping[object, object]", message).get(name)
    try:
        return getattr(message, name)
    except AttributeError:
        known: Iterable[str] = getattr(type(message), "model_fields", ())
        kind = type(message).__name__
        raise TypeError(
            f"{kind} has no field {name!r}; it has {', '.join(known)}"
        ) from None


def _equal(found: object, wanted: object) -> bool:
    if found == wanted:
        return True
    dump: Callable[[], object] | None = getattr(found, "model_dump", None)
    return dump is not None and isinstance(wanted, Mapping) and dump() == wanted


def _seen(transcript: Transcript) -> str:
    count = len(transcript)
    if not count:
        return "Nothing was sent or received."
    shown = "\n".join(str(entry) for entry in transcript.last(_SHOWN))
    left_out = f" (the last {_SHOWN})" if count > _SHOWN else ""
    entries = "entry" if count == 1 else "entries"
    return f"{count} {entries}{left_out}\n{shown}"
