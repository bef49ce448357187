"""A real Celery worker for tests: in a thread, with a broker in memory."""

from collections.abc import Generator
from contextlib import contextmanager

from celery.contrib.testing.worker import start_worker
from config.celery import app
from django.test import SimpleTestCase, override_settings

# Celery reads Django's settings as they are at the time.
in_memory = override_settings(
    CELERY_BROKER_URL="memory://",
    # In seconds. A broker in memory wakes nobody: its worker looks now and then.
    CELERY_BROKER_TRANSPORT_OPTIONS={"polling_interval": 0.01},
)


@contextmanager
def running_worker() -> Generator[None]:
    with in_memory, start_worker(app, perform_ping_check=False) as worker:
        yield
        # It would notice its end some seconds later.
        app.control.shutdown(destination=[worker.hostname])


class WithWorker(SimpleTestCase):
    """For test cases that need a worker; one serves all tests of a class."""

    @classmethod
    def setUpClass(cls) -> None:
        # Before the class's transaction begins: a worker that starts closes the
        # connections to the database.
        cls.enterClassContext(running_worker())
        super().setUpClass()
