from asgiref.sync import sync_to_async
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from jobs import tasks
from jobs.models import Job

from sockets_chanx.messages import Done, JobDone, Outcome, Queue, Queued, Ticket

EVERYBODY = "system"


@channel(name="system", description="Jobs for workers, and their results")
class SystemConsumer(AsyncJsonWebsocketConsumer[JobDone]):
    groups = [EVERYBODY]  # noqa: RUF012 - chanx reads it, nobody changes it

    @ws_handler(summary="Are you there?")
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(summary="Have something done", output_type=Queued)
    async def handle_queue(self, message: Queue) -> None:
        job = await Job.objects.acreate(**message.payload.model_dump())
        await self.send_message(Queued(payload=Ticket(id=job.pk)))
        await sync_to_async(tasks.run.delay)(job.pk, self.channel_name)

    @event_handler
    async def handle_job_done(self, event: JobDone) -> Done:
        return Done(payload=event.payload)


def tell(job: Job, channel: str | None) -> None:
    """Tell of a job that is done, from a worker: one channel, or everybody."""
    outcome = Outcome(id=job.pk, state=job.state, result=job.result)
    if channel is None:
        SystemConsumer.broadcast_event_sync(JobDone(payload=outcome), EVERYBODY)
    else:
        SystemConsumer.send_event_sync(JobDone(payload=outcome), channel)
