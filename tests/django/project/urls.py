from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path


def announce(request: HttpRequest, room: str) -> HttpResponse:
    event = {"type": "room.said", "text": request.GET["text"]}
    async_to_sync(get_channel_layer().group_send)(room, event)
    return HttpResponse(status=204)


def session(request: HttpRequest) -> HttpResponse:
    request.session.update(request.GET.dict())
    return JsonResponse(dict(request.session.items()))


def room(request: HttpRequest, room: str) -> HttpResponse:
    return render(request, "room.html", {"room": room})


urlpatterns = [
    path("announce/<str:room>/", announce),
    path("room/<str:room>/", room),
    path("session/", session),
]
