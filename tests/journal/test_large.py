"""Large exchanges: whoever asks for many of them has room for a few."""

from __future__ import annotations

from mock_intake.journal import EventFilter, Journal, newest_events, newest_exchanges, walk
from mock_intake.journal.protocol import LARGEST_PART
from mock_intake.views import View
from tests.journals import EVERY, exchange


def test_what_is_large_is_given_out_a_few_at_a_time_and_all_of_it(journal: Journal) -> None:
    """Whoever asks for many need not have room for them; nobody takes that for the end."""
    large = LARGEST_PART * 2 // 3
    journal.append([exchange(f"e{number}", body=b"x" * large) for number in range(5)])
    assert [len(journal.read(after, 100)) for after in range(6)] == [2, 2, 2, 2, 1, 0]
    assert len(journal.read(0, 1)) == 1
    cursor = None
    while (page := journal.exchanges(EVERY, 100, cursor)).next is not None:
        assert len(page.items) <= 2
        cursor = page.next
    numbers = range(5)
    assert [one.event.id for one in newest_exchanges(journal, EVERY) if one.event] == [
        f"event-e{number}" for number in reversed(numbers)
    ]
    assert [position for position, _ in walk(journal)] == [1, 2, 3, 4, 5]
    assert [position for position, _ in walk(journal, 3)] == [4, 5]
    assert [one.summary.id for one in newest_events(journal, EventFilter())] == [
        f"event-e{number}" for number in reversed(numbers)
    ]
    view: View[list[int]] = View(journal, list, lambda state, _, position: [*state, position])
    assert view.state() == [1, 2, 3, 4, 5]
