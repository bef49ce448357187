"""Creates users of whatever model the project has."""

from itertools import count
from typing import Any, Final, TypeAlias

from django.contrib.auth import get_user_model
from django.core.exceptions import SynchronousOnlyOperation
from django.db import models

__all__ = ["create_user"]

_Field: TypeAlias = Any  # of the project's own class

_serial: Final = count(1)


def create_user(**fields: _Field) -> _Field:
    """Create a user with these fields, through its manager's `create_user`.

    The name and the other fields that the model requires are made up if they
    are not given. It is for plain code; the test cases also have `acreate_user`.

    Raises:
        TypeError: if the model's manager wants it otherwise.
        SynchronousOnlyOperation: Django's, in a coroutine.
    """
    model: Any = get_user_model()
    number = next(_serial)
    required = [model.USERNAME_FIELD, *model.REQUIRED_FIELDS]
    made_up = {
        name: _value(model._meta.get_field(name), number)  # noqa: SLF001
        for name in required
        if name not in fields
    }
    try:
        return model._default_manager.create_user(**made_up, **fields)  # noqa: SLF001
    except SynchronousOnlyOperation as error:
        raise SynchronousOnlyOperation(
            "create_user() is for plain code: in a coroutine, await acreate_user() or "
            "acreate_user_and_ws_headers() of the test case, or "
            "sync_to_async(create_user)()"
        ) from error
    except (AttributeError, TypeError) as error:
        raise TypeError(
            f"{model.__qualname__} could not be created by its manager's create_user() "
            f"with {', '.join({**made_up, **fields})}: {error}. Override create_user() "
            "in the test case"
        ) from error


def _value(field: _Field, number: int) -> object:
    if isinstance(field, models.EmailField):
        return f"user{number}@example.com"
    if isinstance(field, models.CharField | models.TextField):
        return f"user{number}"
    return number
