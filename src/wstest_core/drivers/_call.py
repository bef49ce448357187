"""What counts as a crash of an application that somebody has cancelled."""

__all__ = ["apart_from"]


def apart_from(
    error: BaseException, cancelled: type[BaseException]
) -> BaseException | None:
    """Return what is left of an error without cancellations.

    Who is cancelled with tasks of its own raises a group of them (trio).
    """
    if isinstance(error, BaseExceptionGroup):
        return error.split(cancelled)[1]
    return None if isinstance(error, cancelled) else error
