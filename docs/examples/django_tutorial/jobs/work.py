"""What workers can do. Nothing here knows of Celery or of sockets."""

from collections.abc import Callable
from time import sleep

SHOUTING = 0.05  # seconds, as a service far away would take


def count(text: str) -> str:
    words = len(text.split())
    if not words:
        raise ValueError("there is nothing to count")
    return f"{words} words"


def shout(text: str) -> str:
    sleep(SHOUTING)
    return text.upper()


KINDS: dict[str, Callable[[str], str]] = {"count": count, "shout": shout}
