"""Jobs for Celery's workers, and their results."""

from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from jobs import tasks
from jobs.models import Job
from jobs.work import KINDS

from sockets.base import Consumer, Json

EVERYBODY = "system"  # the group of all who are connected


class SystemConsumer(Consumer):
    groups = [EVERYBODY]  # noqa: RUF012 - Channels reads it, nobody changes it

    async def receive_action(self, action: str, payload: Json) -> None:
        match action, payload:
            case "queue", {"kind": str(kind), "text": str(text)} if kind in KINDS:
                job = await Job.objects.acreate(kind=kind, text=text)
                await self.send_action("queued", {"id": job.pk})
                await sync_to_async(tasks.run.delay)(job.pk, self.channel_name)
            case _:
                await self.refuse({"action": action, "payload": payload})

    async def job_done(self, event: Json) -> None:
        await self.send_action("done", event["payload"])


def tell(job: Job, channel: str | None) -> None:
    """Tell of a job that is done, from a worker: one channel, or everybody."""
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS has no default"
    payload = {"id": job.pk, "state": job.state, "result": job.result}
    send = layer.group_send if channel is None else layer.send
    async_to_sync(send)(channel or EVERYBODY, {"type": "job.done", "payload": payload})
