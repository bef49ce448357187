"""What Celery's workers run, and how their results come back."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils.module_loading import import_string

from jobs.models import Job
from jobs.work import KINDS


@shared_task  # type: ignore[untyped-decorator]  # Celery has no types
def run(pk: int, channel: str | None = None) -> None:
    """Do a job, and tell the channel that asked for it, or else everybody."""
    job = Job.objects.get(pk=pk)
    try:
        job.result = KINDS[job.kind](job.text)
        job.state = Job.State.FINISHED
    except ValueError as error:
        job.result = str(error)
        job.state = Job.State.FAILED
    job.save()
    tell: Any = import_string(f"{settings.SOCKETS}.system.tell")
    tell(job, channel)


def queue(kind: str, text: str) -> Job:
    """Have a job done for everybody, once it is committed: for sync code."""
    job = Job.objects.create(kind=kind, text=text)
    run.delay_on_commit(job.pk)
    return job
