"""The project. Its Celery application is there as soon as Django is."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
