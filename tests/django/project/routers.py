from typing import Any


class LogsRouter:
    """What is logged goes into a database of its own."""

    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        return "logs" if model.__name__ == "Entry" else None

    db_for_write = db_for_read

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **_hints: Any
    ) -> bool:
        return (model_name == "entry") == (db == "logs")
