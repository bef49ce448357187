"""Counting completion messages."""

from wstest_core.ledger import CompletionLedger


def test_each_message_has_its_completion() -> None:
    """A completion that follows a message's replies counts."""
    ledger = CompletionLedger()
    for _ in range(2):
        ledger.sent()
        ledger.read()
        assert ledger.completed("complete", collected=True)


def test_a_cut_collection_leaves_one_behind() -> None:
    """After a custom stop the next completion is stale, and only that one."""
    ledger = CompletionLedger()
    ledger.sent()
    ledger.read()
    ledger.cut()
    ledger.sent()
    assert not ledger.completed("complete", collected=False)
    assert ledger.completed("complete", collected=False)


def test_what_nobody_asked_for_is_no_answer() -> None:
    """A completion before anything was sent does not count as one of later ones."""
    ledger = CompletionLedger()
    assert ledger.completed("complete", collected=False)
    ledger.sent()
    ledger.read()
    ledger.cut()
    assert not ledger.completed("complete", collected=False)


def test_reading_can_be_undone() -> None:
    """What was read since is forgotten; what was sent since is not."""
    ledger = CompletionLedger()
    ledger.sent()
    before = ledger.reading
    ledger.read()
    ledger.cut()
    ledger.reading = before
    assert ledger.completed("complete", collected=False)


def test_an_application_without_completions_owes_none() -> None:
    """A completion after replies is the collection's own, whatever is owed."""
    ledger = CompletionLedger()
    ledger.sent()
    ledger.read()
    ledger.sent()
    assert ledger.completed("complete", collected=True)


def test_group_completions_are_counted_apart() -> None:
    """A cut leaves at most one completion of a group or an event."""
    ledger = CompletionLedger()
    ledger.cut()
    assert not ledger.completed("group_complete", collected=False)
    assert ledger.completed("group_complete", collected=False)
