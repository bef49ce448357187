from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs import tasks
from jobs.work import KINDS


class Command(BaseCommand):
    help = "Queue a job; whoever is connected to /ws/system/ is told of its result."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("text")

    def handle(self, *_: Any, **options: Any) -> None:
        job = tasks.queue(options["kind"], options["text"])
        self.stdout.write(f"queued job {job.pk}")
