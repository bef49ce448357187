"""Tells those who are connected of what changes in the database.

Only once it is committed: until then others do not find it there, and it may be
undone.
"""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from chat.broadcasts import send_to_group, tell_directory
from chat.models import Room


@receiver(post_save, sender=Room)
def room_was_saved(instance: Room, created: bool, **_: Any) -> None:
    action = "room_opened" if created else "room_changed"
    tell = partial(tell_directory, action, slug=instance.slug, name=instance.name)
    transaction.on_commit(tell)


@receiver(post_delete, sender=Room)
def room_was_deleted(instance: Room, **_: Any) -> None:
    transaction.on_commit(partial(tell_directory, "room_closed", slug=instance.slug))
    end = partial(send_to_group, instance.group, {"type": "room.closed"})
    transaction.on_commit(end)
