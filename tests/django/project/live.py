"""Subscriptions to changes of a model, in the manner of django-rest-live.

A client subscribes to all notes, or to those with one text, under an id of its own;
each change comes back as a broadcast with that id.
"""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import URLRouter
from django.urls import path

MODEL = "project.Note"
CODES = {"wrong model": 404, "wrong action": 400}


class Live(AsyncJsonWebsocketConsumer):
    groups = ("notes",)

    async def connect(self) -> None:
        self.subscriptions: dict[int, str | None] = {}
        await self.accept()

    async def receive_json(self, content: Any, **_: Any) -> None:
        wrong = None
        if content["type"] == "unsubscribe":
            self.subscriptions.pop(content["id"], None)
        elif content["model"] != MODEL:
            wrong = "wrong model"
        elif content["action"] not in ("list", "retrieve"):
            wrong = "wrong action"
        else:
            self.subscriptions[content["id"]] = content.get("lookup_by")
        if wrong:
            code = {"id": content["id"], "code": CODES[wrong]}
            await self.send_json({"type": "error", **code, "message": wrong})

    async def note_changed(self, event: Any) -> None:
        for number, lookup_by in self.subscriptions.items():
            if lookup_by in (None, event["text"]):
                await self.send_json(
                    {
                        "type": "broadcast",
                        "id": number,
                        "model": MODEL,
                        "action": event["what"].upper(),
                        "instance": {"text": event["text"]},
                    }
                )


class Me(AsyncJsonWebsocketConsumer):
    """Tells who is logged in, and what else the scope says."""

    async def connect(self) -> None:
        await self.accept()
        backend = self.scope["session"].get("_auth_user_backend")
        me = {"user": str(self.scope["user"]), "backend": backend}
        await self.send_json({**me, "extra": self.scope.get("extra")})


application = AuthMiddlewareStack(
    URLRouter(
        [path("ws/subscribe/", Live.as_asgi()), path("ws/me/", Me.as_asgi())],
    )
)
