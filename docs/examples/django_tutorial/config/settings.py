"""Settings of the project. None of them is for the tests."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
REDIS = os.environ.get("REDIS_URL", "redis://localhost:6379")

SECRET_KEY = os.environ.get("SECRET_KEY", "for development only")
DEBUG = os.environ.get("DEBUG", "") == "1"
ALLOWED_HOSTS = ["localhost", "tutorial.example"]

INSTALLED_APPS = ["channels", "jobs"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
USE_TZ = True

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [f"{REDIS}/0"]},
    }
}

CELERY_BROKER_URL = f"{REDIS}/1"
CELERY_TASK_IGNORE_RESULT = True

# The package of the consumers: plain Channels', or `sockets_chanx`.
SOCKETS = os.environ.get("SOCKETS", "sockets")
