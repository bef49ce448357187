"""The actions by which applications say that they are done, and how to read one.

They are chanx's: an application sends one of them after its last reply to a
message ("complete"), to a group message or to a channel event.
"""

from typing import Final, Literal, TypeAlias, cast

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
    model and an enum member to what they hold. The models of completion
    messages have no other field than `action`, whatever the application's is.
    """
    found = _field_of(message, field)
    if found is None:
        found = _field_of(getattr(message, "root", None), field)
    if found is None:
        own: object = getattr(message, "action", None)
        found = own if own in COMPLETE_ACTIONS else None
    # Exactly str: an enum member may be one too, and hashes by its name.
    if type(found) is str:
        return found
    held: object = getattr(found, "value", found)
    return held if isinstance(held, str) else None


def _field_of(message: object, field: str) -> object:
    if isinstance(message, dict):
        return cast("dict[object, object]", message).get(field)
    return getattr(message, field, None)
