"""What a worker does, in whatever process or thread it runs."""

import threading

from project.messages import Announcement, Done


def announce(room: int, text: str) -> None:
    from project.consumers import ChatConsumer

    event = Announcement(payload=text)
    ChatConsumer.broadcast_event_sync(event, groups=[f"room.{room}"])


def start_job(work: str, channel: str) -> None:
    if work == "in a thread":
        threading.Thread(target=do_job, args=(work, channel), name="worker").start()
    else:
        do_job(work, channel)


def do_job(work: str, channel: str) -> None:
    from project.consumers import JobConsumer

    JobConsumer.send_event_sync(Done(payload=work.upper()), channel)
