"""A small project; the environment says which database it has."""

import os
import tempfile
from urllib.parse import urlsplit

SECRET_KEY = "not a secret"
USE_TZ = True
STATIC_URL = "/static/"
ALLOWED_HOSTS = ["localhost"]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "project",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
SESSION_ENGINE = os.environ.get("SESSION_ENGINE", "django.contrib.sessions.backends.db")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Nobody is there: a test that asked this layer would fail.
CHANNEL_LAYERS = {
    alias: {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [("127.0.0.1", 1)], "capacity": 50},
    }
    for alias in ("default", "second")
}
DATABASE_ROUTERS = ["project.routers.LogsRouter"]


def _database(name: str) -> dict[str, object]:
    url = urlsplit(os.environ.get("TEST_DATABASE", "memory:"))
    if url.scheme == "postgresql":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": url.username,
            "HOST": url.hostname,
            "PORT": url.port,
        }
    test = {}
    if url.scheme == "file":
        folder = os.environ.setdefault("TEST_FOLDER", tempfile.mkdtemp())
        test = {"NAME": os.path.join(folder, f"{name}.sqlite3")}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "TEST": test}


DATABASES = {"default": _database("chat"), "logs": _database("logs")}

if os.environ.get("TEST_USERS") == "people":
    INSTALLED_APPS.append("people")
    AUTH_USER_MODEL = "people.Person"
    AUTHENTICATION_BACKENDS = ["people.backends.InvitationBackend"]
