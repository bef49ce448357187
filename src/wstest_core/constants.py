"""The actions by which applications say that they are done, and how to read one.

They are chanx's: an application sends one of them after its last reply to a
message ("complete"), to a group message or to a channel event.
"""

from typing import Final, Literal, TypeAlias

__all__ = [
    "COMPLETE_ACTIONS",
    "EVENT_ACTION_COMPLETE",
    "GROUP_ACTION_COMPLETE",
    "MESSAGE_ACTION_COMPLETE",
    "CompleteAction",
    "action_of",
]

CompleteAction: TypeAlias = Literal["complete", "group_complete", "event_complete"]

MESSAGE_ACTION_COMPLETE: Final = "complete"
GROUP_ACTION_COMPLETE: Final = "group_complete"
EVENT_ACTION_COMPLETE: Final = "event_complete"

COMPLETE_ACTIONS: Final[frozenset[str]] = frozenset(
    {MESSAGE_ACTION_COMPLETE, GROUP_ACTION_COMPLETE, EVENT_ACTION_COMPLETE}
)


def action_of(message: object, field: str = "action") -> str | None:
    """What a decoded message says it is, or None if it does not say.

    Reads the key of a dict, the attribute of a model, and through a root
    model and an enum member to what they hold.
    """
    if isinstance(message, dict):
        return _as_text(message.get(field))  # pyright: ignore
    found: object = getattr(message, field, None)
    if found is None and (root := getattr(message, "root", None)) is not None:
        return action_of(root, field)
    return _as_text(found)


def _as_text(found: object) -> str | None:
    plain: object = getattr(found, "value", found)
    return plain if isinstance(plain, str) else None
