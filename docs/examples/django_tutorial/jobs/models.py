"""What is to be done by a worker, and what came of it."""

from django.db import models


class Job(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        FINISHED = "finished"
        FAILED = "failed"

    kind = models.CharField(max_length=20)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    result = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}"
