from django.conf import settings
from django.db import models


class Room(models.Model):
    name = models.CharField(max_length=100)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL)


class Post(models.Model):
    room = models.ForeignKey(Room, models.CASCADE)
    text = models.CharField(max_length=100)


class Presence(models.Model):
    """Somebody is connected to a room."""

    room = models.ForeignKey(Room, models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
