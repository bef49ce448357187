from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver


class Note(models.Model):
    text = models.CharField(max_length=100)


class Entry(models.Model):
    """Written to the database of logs."""

    text = models.CharField(max_length=100)


@receiver(post_save, sender=Note)
def tell_saved(instance: Note, created: bool, **_: object) -> None:
    _tell(instance, "created" if created else "updated")


@receiver(post_delete, sender=Note)
def tell_deleted(instance: Note, **_: object) -> None:
    _tell(instance, "deleted")


def _tell(note: Note, what: str) -> None:
    event = {"type": "note.changed", "what": what, "text": note.text}
    layer = get_channel_layer()

    def send() -> None:
        async_to_sync(layer.group_send)("notes", event)

    transaction.on_commit(send)
