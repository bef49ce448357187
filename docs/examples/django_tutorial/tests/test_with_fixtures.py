"""The same as pytest functions, with Celery's fixtures and those of wstest_django."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from celery.contrib.testing.worker import TestWorkController
from config.celery import app
from django.test import Client

from tests.cases import message
from tests.worker import in_memory
from wstest_django import Connect, ConnectSync

Worker: TypeAlias = TestWorkController
PATH = "/ws/system/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def celery_app() -> Iterator[Any]:
    """The project's application, which Celery's fixture `celery_worker` runs."""
    with in_memory:
        yield app


@pytest.fixture(scope="session")
def celery_worker_parameters() -> dict[str, object]:
    return {"perform_ping_check": False}


@pytest.fixture
def worker(celery_worker: Worker) -> Iterator[Worker]:
    """Celery's worker, told to stop at once when the test is over."""
    yield celery_worker
    app.control.shutdown(destination=[celery_worker.hostname])


@pytest.mark.anyio
async def test_a_job_and_its_result(ws_connect: Connect, worker: Worker) -> None:
    """A coroutine asks, and waits for the result."""
    async with ws_connect(PATH) as ws:
        order = {"kind": "count", "text": "to be or not to be"}
        await ws.send_json(message("queue", order))
        assert (await ws.receive_json())["action"] == "queued"
        assert (await ws.receive_json())["payload"]["result"] == "6 words"


def test_from_a_view(
    ws_connect_sync: ConnectSync, client: Client, worker: Worker
) -> None:
    """A plain test posts a form, and the socket is told of the result."""
    with ws_connect_sync(PATH) as ws:
        number = client.post("/jobs/", {"kind": "shout", "text": "hi"}).json()["id"]
        done = {"id": number, "state": "finished", "result": "HI"}
        assert ws.receive_json() == message("done", done)
