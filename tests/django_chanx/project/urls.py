from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from project.consumers import ChatConsumer
from project.messages import Announcement, Removal
from project.models import Room


@api_view(["POST"])
@permission_classes([IsAuthenticated])
def announcements(request: Request, pk: int) -> Response:
    room = get_object_or_404(Room, pk=pk)
    event = Announcement(payload=request.data["text"])
    ChatConsumer.broadcast_event_sync(event, groups=[f"room.{room.pk}"])
    return Response(status=201)


@api_view(["DELETE"])
@permission_classes([IsAuthenticated])
def member(_request: Request, pk: int, user: int) -> Response:
    get_object_or_404(Room, pk=pk).members.remove(user)
    ChatConsumer.broadcast_event_sync(Removal(payload=user), groups=[f"room.{pk}"])
    return Response(status=204)


urlpatterns = [
    path("rooms/<int:pk>/announcements/", announcements),
    path("rooms/<int:pk>/members/<int:user>/", member),
]
