"""The same tests on chanx's consumers."""

from django.test import override_settings
from sockets_chanx.routing import router

from tests import test_assistant, test_chat, test_system

on_chanx = override_settings(SOCKETS="sockets_chanx")


@on_chanx
class ChatOnChanxTests(test_chat.ChatTests):
    router = router


@on_chanx
class AssistantOnChanxTests(test_assistant.AssistantTests):
    router = router


@on_chanx
class SystemOnChanxTests(test_system.SystemTests):
    router = router
