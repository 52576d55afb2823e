"""Values that cannot be meant: times long past or in the future, ids that are none (DD110, DD111)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.model.event import EventView
from mock_intake.model.times import moment
from mock_intake.rules import Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.events import NilRunId, OnNilRunId, OnTime
from mock_intake.secrets.content import shown

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_AHEAD = timedelta(days=1)
_LONGEST_TIME = 64
_FROZEN = (
    "In a test whose clock is frozen (freezegun, time-machine) it is the frozen time: nothing to do, or freeze a day "
)
_NIL = "00000000-0000-0000-0000-000000000000"


@rule(
    "DD110",
    "time-implausible",
    severity=Severity.WARNING,
    requirement="eventTime is a time at which the run can have been: not before 2000, and not more than a day after it "
    "arrived.",
    because="Start and duration of the run come from it: such a run is shown where nobody looks, or lasts for decades.",
    advice="Take the time from a clock that is set; a time of 1970 or of the year 1 is a field that never was.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnTime(),
    trigger={"/eventTime": "1970-01-01T00:00:00Z"},
    neighbour={"/eventTime": "2000-01-01T00:00:00Z"},
)
def time_implausible(rule: Rule, event: EventView) -> Iterator[Finding]:
    text = str(event.event_time)
    time = moment(text) if len(text) <= _LONGEST_TIME else None
    if time is None:
        return
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    if time < _EARLIEST:
        yield rule.found(
            "/eventTime",
            f"eventTime is implausible: it is in the year {time.year}",
            expected="a time after 2000",
            actual=shown(text),
            advice=f"{rule.advice} {_FROZEN}of these years.",
        )
    elif event.arrived is not None and time - event.arrived > _MOST_AHEAD:
        yield rule.found(
            "/eventTime",
            # Without the time that it is: the same is said of the same event in every run.
            "eventTime is implausible: it is more than a day after now",
            expected="at most a day after it is received",
            actual=shown(text),
            advice="Look at the clock of the machine, and at the offset: the time is in the future. "
            f"{_FROZEN}that is past.",
        )


@rule(
    "DD111",
    "run-id-nil",
    severity=Severity.WARNING,
    requirement="A run id is of one run: neither the nil UUID nor the max UUID.",
    because="It is what stands where no id was made. Trace and span ids are made from it: all such runs become one.",
    advice="Make a new one for every run, in Python str(uuid.uuid4()).",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnNilRunId(),
    trigger={"/run/runId": _NIL},
    neighbour={"/run/runId": _NIL[:-1] + "1"},
)
def run_id_nil(rule: Rule, nil: NilRunId) -> Iterator[Finding]:
    whose = "the parent's run id" if "parent" in nil.pointer else "the run id"
    name = "nil" if nil.run_id == _NIL else "max"
    yield rule.found(
        nil.pointer, f"{whose} is the {name} UUID, which is no run's", expected="an id of its own", actual=nil.run_id
    )
