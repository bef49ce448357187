from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Connect the signals."""
        from chat import signals  # noqa: F401
