from typing import Any

from django.contrib.auth.backends import BaseBackend

from people.models import Person


class InvitationBackend(BaseBackend):
    """Whoever has an invitation is somebody."""

    def authenticate(self, request: Any, invitation: str = "", **_: Any) -> Any:
        return Person.objects.filter(email=invitation).first()

    def get_user(self, user_id: int) -> Any:
        return Person.objects.filter(pk=user_id).first()
