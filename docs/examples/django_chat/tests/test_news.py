"""What changes elsewhere, and reaches those who are connected."""

from chat.models import Room
from django.db import transaction
from django.test import Client

from tests.cases import ChatTestCase
from wstest_django import SyncWebsocketCommunicator, capture_broadcasts

URL = "/rooms/lobby/announcements/"
NEWS = {"text": "we close at 6"}


class DirectoryTests(ChatTestCase):
    """Plain tests do as well: there is a communicator without `await`."""

    ws_path = "/ws/rooms/"

    def setUp(self) -> None:
        super().setUp()
        self.login(self.create_user(username="ann"))

    def connect(self) -> SyncWebsocketCommunicator:
        ws = self.create_sync_communicator()
        assert ws.connect() == (True, None)
        rooms = [{"slug": "lobby", "name": "The lobby"}]
        assert ws.receive_json() == {"action": "rooms", "rooms": rooms}
        return ws  # the test case closes it

    def test_each_change_is_shown(self) -> None:
        """A room that is opened, renamed or closed is so at once for everybody."""
        ws = self.connect()
        attic = Room.objects.create(slug="attic", name="The attic")
        opened = {"action": "room_opened", "slug": "attic", "name": "The attic"}
        assert ws.receive_json() == opened
        attic.name = "The roof"
        attic.save()
        changed = {"action": "room_changed", "slug": "attic", "name": "The roof"}
        assert ws.receive_json() == changed
        attic.delete()
        assert ws.receive_json() == {"action": "room_closed", "slug": "attic"}
        ws.expect_nothing()

    def test_only_what_is_committed(self) -> None:
        """Within a transaction nothing is shown yet, and nothing if it is undone."""
        ws = self.connect()
        with transaction.atomic():
            Room.objects.create(slug="attic", name="The attic")
            ws.expect_nothing()
        assert ws.receive_json()["action"] == "room_opened"
        with transaction.atomic():
            Room.objects.create(slug="cellar", name="The cellar")
            transaction.set_rollback(True)
        ws.expect_nothing()

    def test_the_admin(self) -> None:
        """A room that is made in Django's admin is shown, too."""
        ws = self.connect()
        boss = Client()
        boss.force_login(self.create_user(is_staff=True, is_superuser=True))
        form = {"slug": "attic", "name": "The attic"}
        assert boss.post("/admin/chat/room/add/", form).status_code == 302
        assert ws.receive_json()["slug"] == "attic"


class AnnouncementTests(ChatTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.boss = self.create_user(is_staff=True)

    async def test_a_view_speaks_to_the_room(self) -> None:
        """What the staff posts over HTTP is heard by all in the room, only there."""
        await Room.objects.acreate(slug="attic", name="The attic")
        ann, bob = await self.join("ann"), await self.join("bob", "attic")
        await self.async_client.aforce_login(self.boss)
        answer = await self.async_client.post(URL, NEWS)
        assert answer.status_code == 204
        assert await ann.receive_json() == {"action": "announced", **NEWS}
        await bob.expect_nothing()

    async def test_not_everybody_may(self) -> None:
        """An ordinary user's announcement is refused, and nobody hears it."""
        ann = await self.join("ann")
        with capture_broadcasts() as broadcasts:
            answer = await self.async_client.post(URL, NEWS)
        assert (answer.status_code, broadcasts) == (403, [])
        await ann.expect_nothing()

    def test_without_sockets(self) -> None:
        """The layer's traffic can be looked at where nobody is connected."""
        self.login(self.boss)
        with capture_broadcasts() as broadcasts:
            self.client.post(URL, NEWS)
        assert [each.group for each in broadcasts] == [self.lobby.group]
