"""HTTP beside the sockets: login, logout, and announcements by the staff."""

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from chat.broadcasts import send_to_group
from chat.models import Room


@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    name, password = request.POST.get("username"), request.POST.get("password")
    user = authenticate(request, username=name, password=password)
    if user is None:
        return HttpResponse(status=401)
    login(request, user)
    return HttpResponse(status=204)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse(status=204)


@require_POST
def announce(request: HttpRequest, slug: str) -> HttpResponse:
    if not request.user.is_staff:
        return HttpResponse(status=403)
    room = get_object_or_404(Room, slug=slug)
    message = {"action": "announced", "text": request.POST.get("text", "")}
    send_to_group(room.group, {"type": "room.news", "message": message})
    return HttpResponse(status=204)
