"""A project with a user model and a backend of its own.

These tests run with TEST_USERS=people in the environment.
"""

import unittest
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from wstest_django import WebsocketTestCase, WSClient, create_user, force_login


@unittest.skipUnless(settings.AUTH_USER_MODEL == "people.Person", "TEST_USERS=people")
class CustomUserTests(WebsocketTestCase):
    ws_path = "/ws/whoami/"

    async def _who(self, **handshake: Any) -> str:
        async with self.create_communicator(**handshake) as ws:
            name: str = (await ws.receive_json())["user"]
            return name

    async def test_user_that_is_made_up(self) -> None:
        """What the model requires is made up, by the kinds of its fields."""
        person, headers = await self.acreate_user_and_ws_headers()
        assert person.email.endswith("@example.com")
        assert isinstance(person.born, int)
        assert await self._who(headers=headers) == person.email

    async def test_user_with_fields(self) -> None:
        """What is given is used."""
        person, headers = await self.acreate_user_and_ws_headers(
            email="ann@example.org", born=1815
        )
        assert (person.email, person.born) == ("ann@example.org", 1815)
        assert await self._who(headers=headers) == "ann@example.org"

    async def test_user_in_the_scope(self) -> None:
        """A user of any class may be placed in the scope."""
        person = get_user_model()(email="bob@example.org", born=1791)
        assert await self._who(user=person) == "bob@example.org"

    def test_backend(self) -> None:
        """The backend is the project's, or the one that is named."""
        person = create_user(email="eve@example.org")
        client = WSClient()
        assert client.login(invitation="eve@example.org")
        client.send_and_consume("websocket.connect", path="/ws/whoami/")
        assert client.receive()["user"] == "eve@example.org"
        self.login(person, backend="people.backends.InvitationBackend")
        with self.create_sync_communicator() as ws:
            assert ws.receive_json()["user"] == "eve@example.org"

    async def test_cookies_of_a_login(self) -> None:
        """django-rest-live's force_login takes a backend, too."""
        person, _ = await self.acreate_user_and_ws_headers()
        cookies = await force_login(person, "people.backends.InvitationBackend")
        assert list(cookies) == ["sessionid"]

    def test_field_that_the_manager_does_not_take(self) -> None:
        """Its error says what was tried, and where to do it otherwise."""
        with self.assertRaisesMessage(TypeError, "Override create_user() in the test"):
            create_user(nickname="x")
