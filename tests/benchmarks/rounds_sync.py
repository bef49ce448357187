"""One round of each scenario, for tests that are plain functions."""

from __future__ import annotations

from collections.abc import Callable

from .application import BURST, QUESTION, Application, echo
from .contenders import SyncClient, SyncContender, SyncVerbs
from .measure import Stopwatch


def echo_round(client: SyncClient, repeats: int) -> float:
    verbs = client.open()
    send, receive = verbs.send_json, verbs.receive_json
    with Stopwatch() as watch:
        for _ in range(repeats):
            send(QUESTION)
            receive()
    verbs.close()
    return watch.seconds / repeats


def burst_round(client: SyncClient, repeats: int) -> float:
    verbs = (client.open_models or client.open)()
    with Stopwatch() as watch:
        for _ in range(repeats):
            verbs.send_json(QUESTION)
            models = verbs.receive_models()
    verbs.close()
    if len(models) != BURST:
        raise RuntimeError(f"{len(models)} of {BURST} messages were collected")
    return watch.seconds / repeats


def cycle_round(client: SyncClient, repeats: int) -> float:
    with Stopwatch() as watch:
        for _ in range(repeats):
            client.cycle()
    return watch.seconds / repeats


def nothing_round(client: SyncClient, repeats: int) -> float:
    verbs = client.open()
    try:
        with Stopwatch() as watch:
            for _ in range(repeats):
                verbs.receive_nothing()
    finally:
        verbs.close()
    return watch.seconds / repeats


def _tell_all(everyone: list[SyncVerbs]) -> None:
    everyone[0].send_json(QUESTION)
    for verbs in everyone:
        verbs.receive_json()


def _close_all(everyone: list[SyncVerbs]) -> None:
    for verbs in reversed(everyone):
        verbs.close()


def crowd_round(client: SyncClient, size: int) -> float:
    everyone = [client.open() for _ in range(size)]
    with Stopwatch() as watch:
        _tell_all(everyone)
    _close_all(everyone)
    return watch.seconds


def whole_crowd_round(client: SyncClient, size: int) -> float:
    with Stopwatch() as watch:
        everyone = [client.open() for _ in range(size)]
        _tell_all(everyone)
        _close_all(everyone)
    return watch.seconds


def in_thread(
    contender: SyncContender,
    application: Callable[[], Application],
    work: Callable[[SyncClient, int], float],
    repeats: int,
) -> float:
    with contender.client(application()) as client:
        return work(client, repeats)


def _one_test(contender: SyncContender) -> None:
    with contender.client(echo) as client:
        verbs = client.open()
        try:
            verbs.send_json(QUESTION)
            verbs.receive_json()
            verbs.receive_nothing()
        finally:
            verbs.close()


def suite_round(contender: SyncContender, tests: int) -> float:
    in_thread(contender, lambda: echo, cycle_round, 1)
    with Stopwatch() as watch:
        for _ in range(tests):
            _one_test(contender)
    return watch.seconds / tests
