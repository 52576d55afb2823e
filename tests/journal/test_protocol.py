"""What every journal must do, whatever keeps it. A new back end is one more line in ``tests.journals.JOURNALS``."""

from __future__ import annotations

import itertools
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mock_intake.journal import EventFilter, ExchangeFilter, Journal
from mock_intake.model.exchange import UNATTRIBUTED, Exchange, ReceivedRequest, Response
from mock_intake.model.findings import Finding, Severity, Status, Sureness
from tests.journals import (
    ALL,
    EVERY,
    NOON,
    Open,
    events,
    exchange,
    filled,
    ids,
    listed,
    new_journals,
    summary,
)

# Each example opens files and waits for the disk.
FEW = settings(max_examples=max(25, settings().max_examples // 4))


# Appending, and reading by position.


def test_a_new_journal_is_empty(journal: Journal) -> None:
    assert (journal.position, journal.dropped) == (0, 0)
    assert journal.read(0, 10) == []
    assert journal.exchanges(EVERY, 10) == ([], None)
    assert journal.events(ALL, 10) == ([], None)
    assert journal.count_events(ALL) == 0
    assert journal.exchange("x") is None
    assert journal.event("e") is None
    assert journal.attempts("e") == 0
    assert journal.forget() == 0


def test_exchanges_come_back_as_they_were(journal: Journal) -> None:
    finding = Finding(
        "DD101", Severity.ERROR, "event", "/job", "a\U0001f600\0", "b", None, "c", "d", Sureness.ASSUMED, "openlineage"
    )
    request = ReceivedRequest(
        "x-whole",
        "POST",
        "/p\ufffd",
        "a=%ff",
        (("X", "\xe9"), ("x", "")),
        bytes(range(256)),
        NOON,
        "peer:1",
        999,
        True,
        False,
    )
    event = summary("whole", kind="RunEvent", job_name="\U0001f600\0ä", inputs=(), parent_job=("a", "b"), run_id="r")
    whole = Exchange(request, "org", Response(202, (("a", "b"),), b"\xff"), True, event, (finding,), 256, "reset")
    journal.append([whole])
    assert journal.exchange("x-whole") == whole
    assert journal.read(0, 1) == [(1, whole)]
    assert journal.exchanges(EVERY, 1).items == [whole]
    record = journal.event(event.id)
    assert record is not None
    assert (record.summary, record.findings, record.exchange_id) == (event, (finding,), "x-whole")


def test_positions_count_from_one_in_order_of_appending(journal: Journal) -> None:
    first, second, third = exchange(), exchange(), exchange()
    journal.append([first])
    assert journal.position == 1
    journal.append([second, third])
    assert journal.position == 3
    assert journal.read(0, 10) == [(1, first), (2, second), (3, third)]
    journal.append([])
    assert journal.position == 3


@FEW
@given(size=st.integers(0, 12), after=st.integers(0, 15), limit=st.integers(0, 15), data=st.data())
def test_reading_gives_what_is_behind_a_position_with_holes_and_without(
    size: int, after: int, limit: int, data: st.DataObject
) -> None:
    for journal in new_journals():
        sent = [exchange(org=data.draw(st.sampled_from(["keep", "drop"]))) for _ in range(size)]
        journal.append(sent)
        positions = list(enumerate(sent, start=1))
        assert journal.read(after, limit) == [pair for pair in positions if pair[0] > after][:limit]
        journal.forget("drop")
        kept = [pair for pair in positions if pair[1].org == "keep"]
        assert journal.read(after, limit) == [pair for pair in kept if pair[0] > after][:limit]


def test_reading_on_from_the_last_position_misses_nothing(journal: Journal) -> None:
    seen: list[str] = []
    position = 0
    sent = []
    for batch in (3, 1, 7, 2):
        new = [exchange() for _ in range(batch)]
        sent += new
        journal.append(new)
        while found := journal.read(position, 2):
            seen += [each.id for _, each in found]
            position = found[-1][0]
    assert seen == ids(sent)
    assert position == journal.position


# Listings.


def test_listings_are_newest_first_and_filtered(journal: Journal) -> None:
    a, b, c, d = filled(
        journal,
        exchange("1", org="A"),
        exchange("2", org="B"),
        exchange("1", org="A", accepted=False),
        exchange(org=UNATTRIBUTED),
    )
    assert listed(journal) == ids([d, c, b, a])
    assert listed(journal, ExchangeFilter(org="A")) == ids([c, a])
    assert listed(journal, ExchangeFilter(org=UNATTRIBUTED)) == ids([d])
    assert listed(journal, ExchangeFilter(event_id="event-1")) == ids([c, a])
    assert listed(journal, ExchangeFilter(org="B", event_id="event-1")) == []
    assert listed(journal, ExchangeFilter(org="")) == []


def test_what_was_refused_or_met_a_fault_is_listed_by_itself(journal: Journal) -> None:
    _, refused, other, lost, late = filled(
        journal,
        exchange("1", org="A"),
        exchange("2", org="A", accepted=False),
        exchange("3", org="B", accepted=False),
        replace(exchange("2", org="A", accepted=False), fault="reset"),
        replace(exchange("5", org="B"), fault="delay"),
    )
    assert listed(journal, ExchangeFilter(refused=True)) == ids([lost, other, refused])
    assert listed(journal, ExchangeFilter(org="A", refused=True)) == ids([lost, refused])
    assert listed(journal, ExchangeFilter(faulted=True)) == ids([late, lost])
    assert listed(journal, ExchangeFilter(org="B", faulted=True)) == ids([late])
    assert listed(journal, ExchangeFilter(refused=True, faulted=True)) == ids([lost])
    assert listed(journal, ExchangeFilter(event_id="event-2", faulted=True)) == ids([lost])
    page = journal.exchanges(ExchangeFilter(refused=True), 1)
    assert [one.id for one in page.items] == [lost.id]
    following = journal.exchanges(ExchangeFilter(refused=True), 5, page.next)
    assert ([one.id for one in following.items], following.next) == ([other.id, refused.id], None)
    journal.forget("A")
    assert listed(journal, ExchangeFilter(refused=True)) == ids([other])
    assert listed(journal, ExchangeFilter(faulted=True)) == ids([late])


def test_a_run_has_all_attempts_of_its_accepted_events(journal: Journal) -> None:
    start, end, other = (summary(name, run_id=run) for name, run in (("a", "one"), ("b", "one"), ("c", "two")))
    a, b, again, _, _ = filled(
        journal,
        exchange(start, accepted=False),
        exchange(end),
        exchange(start),
        exchange(other),
        exchange(summary("d", run_id="one"), accepted=False),
    )
    assert listed(journal, ExchangeFilter(run_id="one")) == ids([again, b, a])
    assert listed(journal, ExchangeFilter(run_id="one", event_id="event-b")) == ids([b])
    assert listed(journal, ExchangeFilter(run_id="one", org="org-2")) == []
    assert listed(journal, ExchangeFilter(run_id="three")) == []


_SUMMARIES = [
    summary(
        f"{number}",
        status=status,
        kind=kind,
        event_type=event_type,
        job_namespace=namespace,
        job_name="job",
        run_id=run,
    )
    for number, (status, kind, event_type, namespace, run) in enumerate(
        itertools.product(Status, ("RunEvent", "JobEvent"), ("START", None), ("prod", "Prod"), ("r1", None))
    )
]


@FEW
@given(
    which=st.builds(
        EventFilter,
        org=st.sampled_from([None, "org-1", "org-2", "org-3"]),
        status=st.sampled_from([None, *Status]),
        kind=st.sampled_from([None, "RunEvent", "JobEvent", "DatasetEvent"]),
        event_type=st.sampled_from([None, "START", "COMPLETE"]),
        job_namespace=st.sampled_from([None, "prod", "Prod", "PROD"]),
        job_name=st.sampled_from([None, "job", "jo"]),
        run_id=st.sampled_from([None, "r1", "r2"]),
    )
)
def test_events_are_filtered_by_every_field_together(which: EventFilter) -> None:
    for journal in new_journals():
        sent = [exchange(event, org=f"org-{number % 2 + 1}") for number, event in enumerate(_SUMMARIES)]
        journal.append(sent)
        wanted = [
            each.event.id
            for each in reversed(sent)
            if each.event is not None
            and which.org in (None, each.org)
            and all(
                getattr(which, name) in (None, getattr(each.event, name))
                for name in ("status", "kind", "event_type", "job_namespace", "job_name", "run_id")
            )
        ]
        assert [record.summary.id for record in journal.events(which, 1_000).items] == wanted
        assert journal.count_events(which) == len(wanted)


@FEW
@given(size=st.integers(0, 15), limit=st.integers(1, 6), data=st.data())
def test_pages_together_are_the_whole_listing(size: int, limit: int, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("abcdef"), min_size=size, max_size=size))
    for journal in new_journals():
        journal.append([exchange(name, org="A" if name < "d" else "B") for name in names])
        for which, every in ((None, names), ("A", [name for name in names if name < "d"])):
            exchanges, cursor = [], None
            while True:
                page = journal.exchanges(ExchangeFilter(org=which), limit, cursor)
                exchanges += [each.event.id[-1] for each in page.items if each.event]
                cursor = page.next
                if cursor is None:
                    break
                assert len(page.items) == limit
            assert exchanges == every[::-1]
            found, cursor = [], None
            while True:
                part = journal.events(EventFilter(org=which), limit, cursor)
                found += [record.summary.id[-1] for record in part.items]
                cursor = part.next
                if cursor is None:
                    break
                assert len(part.items) == limit
            assert found == list(dict.fromkeys(every[::-1]))


def test_a_page_holds_its_place_while_more_comes_in(journal: Journal) -> None:
    sent = filled(journal, *(exchange(str(number)) for number in range(4)))
    first = journal.exchanges(EVERY, 2)
    events_first = journal.events(ALL, 2)
    filled(journal, exchange("5"), exchange("6"))
    assert ids(journal.exchanges(EVERY, 2, first.next).items) == ids([sent[1], sent[0]])
    assert [record.summary.id for record in journal.events(ALL, 2, events_first.next).items] == ["event-1", "event-0"]


# Events over their attempts.


def test_attempts_of_an_event_make_one_record(journal: Journal) -> None:
    first, second, third = filled(journal, exchange("a"), exchange("a"), exchange("a", accepted=False))
    record = journal.event("event-a")
    assert record is not None
    assert (record.attempts, journal.attempts("event-a"), journal.count_events(ALL)) == (3, 3, 1)
    assert (record.received_at, record.last_received_at) == (first.received_at, third.received_at)
    assert (record.exchange_id, record.org, record.findings) == (first.id, first.org, first.findings)
    assert events(journal) == ["a"]
    assert second.id in listed(journal, ExchangeFilter(event_id="event-a"))


def test_an_event_that_was_only_refused_is_not_listed_and_its_attempts_count(journal: Journal) -> None:
    filled(journal, exchange("a", accepted=False), exchange("a", accepted=False))
    assert journal.event("event-a") is None
    assert (events(journal), journal.count_events(ALL), journal.attempts("event-a")) == ([], 0, 2)
    accepted, last = filled(journal, exchange("a"), exchange("a"))
    record = journal.event("event-a")
    assert record is not None
    assert (record.attempts, record.exchange_id) == (4, accepted.id)
    assert (record.received_at, record.last_received_at) == (accepted.received_at, last.received_at)


def test_the_latest_attempt_orders_events(journal: Journal) -> None:
    filled(journal, exchange("a"), exchange("b"), exchange("c"), exchange("a"), exchange("b", accepted=False))
    assert events(journal) == ["b", "a", "c"]
    page = journal.events(ALL, 1)
    assert [record.summary.id for record in journal.events(ALL, 5, page.next).items] == ["event-a", "event-c"]


# Forgetting.


def test_an_org_is_forgotten_and_others_stay(journal: Journal) -> None:
    kept = [exchange("k", org="keep"), exchange(org=UNATTRIBUTED)]
    gone = [exchange("g", org="gone"), exchange("g", org="gone"), exchange(org="gone")]
    filled(journal, gone[0], kept[0], gone[1], kept[1], gone[2])
    generation = journal.generation
    assert journal.forget("nobody") == 0
    assert journal.generation == generation
    assert journal.forget("gone") == 3
    assert journal.generation > generation
    assert listed(journal) == ids(kept[::-1])
    assert [(position, each.id) for position, each in journal.read(0, 9)] == [(2, kept[0].id), (4, kept[1].id)]
    assert journal.exchange(gone[0].id) is None
    assert journal.event("event-g") is None
    assert journal.attempts("event-g") == 0
    assert (events(journal), journal.count_events(ALL)) == (["k"], 1)
    assert journal.dropped == 0


def test_everything_is_forgotten_and_positions_go_on(journal: Journal) -> None:
    filled(journal, exchange("a"), exchange("b", org="other"))
    assert journal.forget() == 2
    assert (listed(journal), events(journal), journal.read(0, 9)) == ([], [], [])
    new = exchange("a")
    journal.append([new])
    assert journal.position == 3
    assert journal.read(2, 9) == journal.read(0, 9) == [(3, new)]
    record = journal.event("event-a")
    assert record is not None
    assert (record.attempts, record.received_at) == (1, new.received_at)


# Bounds.


def test_the_oldest_are_dropped_and_counted_when_there_are_too_many(open_journal: Open) -> None:
    journal = open_journal(max_exchanges=3)
    sent = filled(journal, *(exchange(str(number)) for number in range(5)))
    assert (journal.dropped, journal.position) == (2, 5)
    assert listed(journal) == ids(sent[:1:-1])
    assert journal.read(0, 9) == list(enumerate(sent, start=1))[2:]
    assert journal.read(1, 1) == [(3, sent[2])]
    assert journal.exchange(sent[0].id) is None
    assert events(journal) == ["4", "3", "2"]
    journal.append([exchange() for _ in range(10)])
    assert (journal.dropped, len(listed(journal)), journal.position) == (12, 3, 15)


def test_the_oldest_are_dropped_when_their_bodies_are_too_large(open_journal: Open) -> None:
    journal = open_journal(max_bytes=1_000_000)
    for _ in range(10):
        journal.append([exchange(body=b"x" * 200_000)])
    kept = len(listed(journal))
    assert 3 <= kept <= 5
    assert journal.dropped == 10 - kept


def test_long_headers_and_answers_count_for_the_bound_too(open_journal: Open) -> None:
    """Otherwise a few clients with large headers fill the memory that the bound is to protect."""
    journal = open_journal(max_bytes=1_000_000)
    for number in range(10):
        request = ReceivedRequest(f"h{number}", "POST", "/", "q" * 100_000, (("x", "v" * 100_000),), b"", NOON)
        journal.append([Exchange(request, "org", Response(400, (), b""), False, None, ())])
    assert 3 <= len(listed(journal)) <= 5


def test_forgotten_exchanges_free_their_room_and_are_not_counted_as_dropped(open_journal: Open) -> None:
    journal = open_journal(max_exchanges=4, max_bytes=1_000_000)
    for org in ("A", "B") * 2:
        journal.append([exchange(org=org, body=b"x" * 200_000)])
    journal.forget("A")
    filled(journal, exchange(org="C", body=b"x" * 200_000), exchange(org="C", body=b"x" * 200_000))
    assert (journal.dropped, len(listed(journal))) == (0, 4)


def test_an_event_outlives_its_first_accepted_exchange(open_journal: Open) -> None:
    """The body is the same in every attempt, so a later one holds it."""
    journal = open_journal(max_exchanges=2)
    first, second = filled(journal, exchange("a"), exchange("a"))
    third = exchange("a", accepted=False)
    journal.append([third])
    record = journal.event("event-a")
    assert journal.exchange(first.id) is None
    assert record is not None
    assert record.exchange_id == second.id
    assert (record.received_at, record.last_received_at) == (first.received_at, third.received_at)
    assert events(journal) == ["a"]


def test_attempts_never_go_down_while_an_event_is_listed(open_journal: Open) -> None:
    """``attempts`` counts all exchanges, also those that retention has dropped since."""
    journal = open_journal(max_exchanges=3)
    counts = []
    for _ in range(6):
        journal.append([exchange("a")])
        record = journal.event("event-a")
        assert record is not None
        counts.append((record.attempts, journal.attempts("event-a")))
    assert counts == [(number, number) for number in range(1, 7)]


def test_an_event_without_any_accepted_exchange_left_is_gone(open_journal: Open) -> None:
    journal = open_journal(max_exchanges=2)
    filled(journal, exchange("a"), exchange("a", accepted=False), exchange("a", accepted=False))
    assert journal.event("event-a") is None
    assert (events(journal), journal.count_events(ALL), journal.dropped) == ([], 0, 1)
    # It may come back: an attempt of the same event is accepted once more.
    (again,) = filled(journal, exchange("a"))
    record = journal.event("event-a")
    assert record is not None
    assert record.exchange_id == again.id


def test_an_exchange_that_is_larger_than_the_bound_is_counted_as_dropped(open_journal: Open) -> None:
    journal = open_journal(max_bytes=10_000)
    small = exchange()
    filled(journal, small, exchange("a", body=b"x" * 20_000))
    assert (listed(journal), journal.dropped, journal.position) == ([], 2, 2)
    assert journal.event("event-a") is None


@FEW
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from(["A", "B"])) | st.sampled_from(["A", "B"]),
        max_size=30,
    ),
    bound=st.integers(1, 8),
)
def test_any_history_leaves_a_consistent_record(steps: list[Any], bound: int) -> None:
    """Against a plain model: a list of what is left."""
    for journal in new_journals(max_exchanges=bound):
        model: list[Exchange] = []
        dropped = 0
        for step in steps:
            if isinstance(step, str):
                assert journal.forget(step) == sum(each.org == step for each in model)
                model = [each for each in model if each.org != step]
                continue
            name, accepted, org = step
            each = exchange(f"{org}{name}", accepted=accepted, org=org)
            journal.append([each])
            model.append(each)
            if len(model) > bound:
                del model[0]
                dropped += 1
        assert journal.dropped == dropped
        assert listed(journal) == ids(model[::-1])
        assert [each for _, each in journal.read(0, 100)] == model
        latest = dict.fromkeys(each.event.id for each in reversed(model) if each.event)
        accepted_ids = {each.event.id for each in model if each.event and each.accepted}
        found = journal.events(ALL, 100).items
        assert [record.summary.id for record in found] == [name for name in latest if name in accepted_ids]
        for record in found:
            held = journal.exchange(record.exchange_id)
            assert held is not None
            assert held.accepted
            assert record.last_received_at == max(
                each.received_at for each in model if each.event and each.event.id == record.summary.id
            )


def test_the_same_event_costs_the_same_however_often_it_was_sent(open_journal: Open) -> None:
    """As of a load generator that has one body only."""
    journal = open_journal(max_exchanges=5_000)

    def seconds(count: int) -> float:
        batch = [exchange("a") for _ in range(count)]
        began = time.perf_counter()
        journal.append(batch)
        return time.perf_counter() - began

    few = min(seconds(200) for _ in range(4))
    seconds(5_000)
    many = min(seconds(200) for _ in range(4))
    record = journal.event("event-a")
    assert record is not None
    assert (record.attempts, journal.dropped) == (6_600, 1_600)
    assert many < few * 10


def test_an_event_whose_first_attempt_is_gone_is_what_the_next_one_says(open_journal: Open) -> None:
    """Alike in every journal: its status, its counts and where its body is; when it first came stays."""
    journal = open_journal(max_exchanges=2)
    one = exchange(summary("again", status=Status.WARNING))
    two = exchange(summary("again"))
    filled(journal, one, two, exchange("other"))
    record = journal.event("event-again")
    assert record is not None
    assert (record.summary.status, record.exchange_id, record.attempts) == (Status.OK, two.id, 2)
    assert (record.received_at, record.last_received_at) == (one.received_at, two.received_at)
    assert journal.statistics().statuses == {Status.OK: 2}
    assert journal.count_events(EventFilter(status=Status.WARNING)) == 0
