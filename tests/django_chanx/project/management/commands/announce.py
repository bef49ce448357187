from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from project.tasks import announce


class Command(BaseCommand):
    """Announces something in a room."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("room", type=int)
        parser.add_argument("text")

    def handle(self, *_: Any, **options: Any) -> None:
        announce(options["room"], options["text"])
        self.stdout.write("announced")
