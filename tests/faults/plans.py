"""Fault plans for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from mock_intake.faults import MAX_DELAY, SHORT_WORDS, STEPS, Match, Plan, Step

EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "FAIL")
JOBS = ("load_orders", "load_items")

_texts = st.text(st.characters(codec="utf-8"), max_size=20)
_header_names = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-", min_size=1, max_size=12)
_header_values = st.text("abcXYZ019 ;=/,.:-", max_size=12).map(str.strip)
_delays = st.floats(0, MAX_DELAY) | st.integers(0, 10).map(float)
_words = st.sampled_from(SHORT_WORDS)
_located = st.sampled_from([word for word, kind in STEPS.items() if kind.needs_location])

names = st.integers(200, 599).map(str) | _words
matches = st.builds(
    Match,
    event_type=st.none() | st.sampled_from(EVENT_TYPES),
    job=st.none() | st.sampled_from(JOBS),
    attempt=st.none() | st.integers(1, 3),
)
_locations = st.sampled_from(
    ["/api/v1/lineage", "http://127.0.0.1:8581/api/v1/lineage", "https://example.com/?a=b%20c"]
)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Any step that can be asked for."""
    location = draw(st.none() | _locations)
    return Step(
        name=draw(_located) if location and draw(st.booleans()) else draw(names),
        times=draw(st.none() | st.integers(1, 10_000)),
        headers=tuple(draw(st.dictionaries(_header_names, _header_values, max_size=3)).items()),
        body=draw(st.none() | _texts),
        delay=draw(_delays),
        match=draw(matches),
        probability=draw(st.none() | st.floats(0, 1)),
        seed=draw(st.integers(-(2**31), 2**31)),
        location=location,
    )


plans = st.builds(
    Plan,
    sequence=st.lists(steps(), max_size=5).map(tuple),
    delay=_delays,
    repeat_last=st.booleans(),
    org=st.none() | st.text("0123456789abcdef", min_size=12, max_size=12),
)
