"""Rooms, and what is said in them."""

from django.conf import settings
from django.db import models


class Room(models.Model):
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name

    @property
    def group(self) -> str:
        """The group of the channel layer that everybody in the room is in."""
        return f"room.{self.slug}"


class Message(models.Model):
    room = models.ForeignKey(Room, models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.CharField(max_length=500)
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.text
