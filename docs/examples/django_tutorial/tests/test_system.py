"""Jobs that a real Celery worker does, and their results."""

from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django.core.management import call_command
from jobs.models import Job

from tests.cases import Json, TutorialTestCase, message
from tests.worker import WithWorker

PATH = "/ws/system/"


class SystemTests(WithWorker, TutorialTestCase):
    async def queue(self, ws: Any, kind: str, text: str) -> int:
        """Have something done; return the job's number when that is acknowledged."""
        await ws.send_json_to(message("queue", {"kind": kind, "text": text}))
        acknowledged: Json = await ws.receive_json_from()
        assert acknowledged["action"] == "queued"
        number: int = acknowledged["payload"]["id"]
        return number

    def done(self, number: int, result: str, state: str = "finished") -> Json:
        return message("done", {"id": number, "state": state, "result": result})

    async def test_a_job_and_its_result(self) -> None:
        """The result comes back to the socket, and is in the database."""
        ws = await self.connected(PATH)
        number = await self.queue(ws, "count", "to be or not to be")
        assert await ws.receive_json_from() == self.done(number, "6 words")
        job = await Job.objects.aget(pk=number)
        assert (job.state, job.result) == ("finished", "6 words")

    async def test_the_acknowledgement_comes_at_once(self) -> None:
        """It does not wait for the worker, whose result comes later."""
        ws = await self.connected(PATH)
        number = await self.queue(ws, "shout", "hello")
        assert (await Job.objects.aget(pk=number)).state == "queued"
        assert await ws.receive_json_from() == self.done(number, "HELLO")

    async def test_nobody_else_is_told(self) -> None:
        """A result goes to the socket that has asked for it."""
        ann, bob = await self.connected(PATH), await self.connected(PATH)
        number = await self.queue(ann, "count", "hello")
        assert await ann.receive_json_from() == self.done(number, "1 words")
        assert await bob.receive_nothing()

    async def test_a_job_fails(self) -> None:
        """Its reason is its result; what is no job at all is refused."""
        ws = await self.connected(PATH)
        number = await self.queue(ws, "count", "  ")
        reason = "there is nothing to count"
        assert await ws.receive_json_from() == self.done(number, reason, "failed")
        await ws.send_json_to(message("queue", {"kind": "dance", "text": ""}))
        assert (await ws.receive_json_from())["action"] == "error"

    async def test_from_a_management_command(self) -> None:
        """The result of a job that nobody's socket has asked for reaches all."""
        ann, bob = await self.connected(PATH), await self.connected(PATH)
        shown = StringIO()
        command = sync_to_async(call_command)
        await command("queue_job", "count", "one two", stdout=shown)
        assert "queued job" in shown.getvalue()
        for ws in (ann, bob):
            assert (await ws.receive_json_from())["payload"]["result"] == "2 words"

    async def test_from_an_http_view(self) -> None:
        """Likewise for a job that is queued by HTTP; the answer has its number."""
        ws = await self.connected(PATH)
        answer = await self.async_client.post("/jobs/", {"kind": "shout", "text": "hi"})
        assert answer.status_code == 202
        assert await ws.receive_json_from() == self.done(answer.json()["id"], "HI")
        with self.assertLogs("django.request", "WARNING"):
            refused = await self.async_client.post("/jobs/", {"kind": "dance"})
        assert refused.status_code == 400
