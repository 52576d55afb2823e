"""The handle on its intake that a test gets: addresses, questions, waits, comparisons and faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

from mock_intake.clock import monotonic
from mock_intake.exchange import Exchange
from mock_intake.faults import FaultError, Plan, parse_plan
from mock_intake.findings import Finding, Severity
from mock_intake.journal import ExchangeFilter
from mock_intake.paths import Addresses, PathName, variables
from mock_intake.server.doors import Door
from mock_intake.server.runner import IntakeServer
from mock_intake_pytest import snapshots
from mock_intake_pytest.asking import (
    JobName,
    RunId,
    Word,
    asked,
    fits_job,
    fits_run,
    misses_of,
    number_asked,
    states_asked,
)
from mock_intake_pytest.codes import known_code
from mock_intake_pytest.host import Host, Record
from mock_intake_pytest.options import PATHS, Wanted, seconds_of
from mock_intake_pytest.records import Event, LineageGraph, Request, Run, graph_of
from mock_intake_pytest.telling import (
    IntakeFailure,
    either,
    events_text,
    near_misses_text,
    paragraphs,
    refused_text,
    runs_text,
    with_text,
)
from mock_intake_pytest.waiting import check_names, in_a_loop, in_thread, rang_since, wait_in_turns

_EVERYTHING = 1_000_000


class IntakeHandle:
    """One test's intake. Only what came with ``api_key`` is seen here, and it is seen however it came.

    ``url`` is where the intake listens, ``host`` the same as ``host:port``, ``site`` what to give to the client's
    Datadog transport as its site, ``api_key`` the test's own key. Safe to use from several threads.
    """

    def __init__(self, host: Host, record: Record, api_key: str, wanted: Wanted, snapshot: snapshots.Files) -> None:
        self._host = host
        self.server = host.server
        self.record = record
        self.wanted = wanted
        self._snapshot = snapshot
        self._agent: Door | None = None
        self._lock = threading.Lock()
        self._seen = 0
        self._events: dict[str, Event] = {}
        self.api_key = api_key
        self.url = host.server.url
        self.host = self.url.partition("://")[2]
        self.site = self.url
        self.expected_findings: list[tuple[str, int | None]] = []

    def __repr__(self) -> str:
        return f"<intake {self.url} of {self.record.nodeid}>"

    # Where it is.

    @property
    def ca_file(self) -> Path:
        """The CA's certificate that the intake's https is to be trusted by; https is served from the first use on."""
        return self._host.ca_file

    @property
    def https_url(self) -> str:
        """The intake's https address, to be trusted by ``ca_file``; served from the first use on."""
        return self._host.secure_server().https_url

    @property
    def agent_url(self) -> str:
        """A Datadog Agent of this test's own, from the first use on; what it sends on has the test's key."""
        if self._agent is None:
            self._agent = self._host.open_agent(self.api_key)
        return self._agent.url

    def env(self, path: str | None = None) -> dict[str, str]:
        """The variables that lead a producer here by a path: http, datadog, async, agent or intercept.

        Without one, by the path of the test. For ``subprocess.run(..., env={**os.environ, **intake.env()})``; the
        fixture ``intake_env`` sets them for the test itself.
        """
        __tracebackhide__ = True
        path = path or self.wanted.path
        if path not in PATHS:
            raise ValueError(f"path is one of {', '.join(PATHS)}, not {path!r}")
        secure = path == "intercept"
        where = Addresses(
            self.url,
            self.api_key,
            agent_url=self.agent_url if path == "agent" else None,
            https_address=self._host.secure_server().https_address if secure else None,
            ca_file=self.ca_file if secure else None,
        )
        return {**variables(cast("PathName", path), where), "OPENLINEAGE_CONFIG": str(self._host.no_config_file)}

    # What arrived.

    def events(
        self,
        *,
        type: Word | None = None,  # noqa: A002 - the word that the field uses
        job: JobName | None = None,
        run: RunId | None = None,
        status: Word | None = None,
        kind: Word | None = None,
    ) -> list[Event]:
        """The events that the intake took, in order of arrival.

        ``type`` is an eventType, ``job`` a name, a pattern that is searched in the name, or (namespace, name);
        ``run`` a run id, ``status`` what the product would show: ok, warning or error; ``kind`` is RunEvent, JobEvent
        or DatasetEvent.
        """
        __tracebackhide__ = True
        wanted = asked(type=type, job=job, run=run, status=status, kind=kind)
        return [event for event in self._all_events() if not misses_of(event, wanted)]

    def event(
        self,
        *,
        type: Word | None = None,  # noqa: A002
        job: JobName | None = None,
        run: RunId | None = None,
        status: Word | None = None,
        kind: Word | None = None,
    ) -> Event:
        """The one event that fits, as for ``events``; none or several is a failure that lists the nearest."""
        __tracebackhide__ = True
        wanted = asked(type=type, job=job, run=run, status=status, kind=kind)
        every = self._all_events()
        misses = {event.id: misses_of(event, wanted) for event in every}
        found = [event for event in every if not misses[event.id]]
        if len(found) == 1:
            return found[0]
        what = f"one event{with_text(wanted)}"
        if found:
            raise IntakeFailure(
                paragraphs(f"Expected exactly {what}; {len(found)} fit.", events_text(found), self.dropped_text())
            )
        raise self._failure(f"Expected {what}; none fits.", near_misses_text(every, misses))

    def run(self, run: RunId | None = None, *, job: JobName | None = None) -> Run:
        """The one run that fits, by its id or its job; none or several is a failure that lists them."""
        __tracebackhide__ = True
        wanted = asked(run=run, job=job)
        every = self.runs()
        found = [each for each in every if fits_run(each.id, wanted["run"]) and fits_job(each.job, wanted["job"])]
        if len(found) == 1:
            return found[0]
        what = f"one run{with_text(wanted)}"
        if found:
            raise IntakeFailure(f"Expected exactly {what}; {len(found)} fit.\n\n{runs_text(found)}")
        raise self._failure(f"Expected {what}; none fits.", runs_text(every))

    def runs(self, *, job: JobName | None = None) -> list[Run]:
        """The runs, the first heard of first."""
        __tracebackhide__ = True
        wanted = asked(job=job)["job"]
        self._host.catch_up()
        events: dict[str, list[Event]] = {}
        for event in self._all_events():
            if event.run_id is not None:
                events.setdefault(event.run_id, []).append(event)
        views = self.record.views
        runs = [
            Run(folded, events.get(folded.run_id, []), views.run_findings(folded, closed=False))
            for folded in views.runs()
        ]
        runs.sort(key=lambda each: each.events[0].received_at if each.events else each.id)
        return [each for each in runs if fits_job(each.job, wanted)]

    @property
    def lineage(self) -> LineageGraph:
        """What the events say of jobs, datasets and columns."""
        self._host.catch_up()
        return graph_of(self.record.views.lineage().get(self.record.org))

    @property
    def exchanges(self) -> list[Request]:
        """Every request that came with the test's key, taken or not, in order of arrival."""
        requests = []
        attempts: dict[str, int] = {}
        for exchange in self._own():
            attempt = None
            if exchange.event is not None:
                attempt = attempts[exchange.event.id] = attempts.get(exchange.event.id, 0) + 1
            requests.append(Request(exchange, attempt))
        return requests

    @property
    def refused(self) -> list[Request]:
        """Requests that were not taken: the test's own, and those that came meanwhile with no test's key."""
        return [Request(exchange, None) for exchange in self.refused_exchanges()]

    @property
    def findings(self) -> list[Finding]:
        """All that was found so far: in events, in refused requests, over runs and datasets."""
        from mock_intake_pytest.judging import places_of

        return [place.finding for place in places_of(self, closed=False)]

    # Waiting.

    def wait_for(
        self,
        events: int = 1,
        *,
        type: Word | None = None,  # noqa: A002
        job: JobName | None = None,
        run: RunId | None = None,
        status: Word | None = None,
        timeout: float | None = None,
    ) -> list[Event]:
        """Waits until at least so many events that fit have arrived, and gives them.

        ``timeout`` is in seconds; the default is the test's. When it runs out, the failure says what did arrive.
        """
        __tracebackhide__ = True
        number, wanted = number_asked(events), asked(type=type, job=job, run=run, status=status)
        ask = partial(self.events, **wanted)
        if self._wait(lambda: len(ask()) >= number, timeout):
            return ask()
        plural = "" if number == 1 else "s"
        raise self._failure(
            f"Waited {self._seconds(timeout)} for {number} event{plural}{with_text(wanted)}; "
            f"{len(ask()) or 'none'} came.",
            events_text(self._all_events()),
            then=in_a_loop(),
        )

    def wait_for_run(
        self,
        run: RunId | None = None,
        *,
        job: JobName | None = None,
        state: Word | Iterable[Word] = ("COMPLETE", "FAIL", "ABORT"),
        timeout: float | None = None,
    ) -> Run:
        """Waits until a run that fits is in a state (by default, has ended), and gives it; as ``wait_for``."""
        __tracebackhide__ = True
        states, asked_for = states_asked(state), asked(run=run, job=job)

        def found() -> list[Run]:
            return [
                each
                for each in self.runs(job=asked_for["job"])
                if fits_run(each.id, asked_for["run"]) and any(wanted in each.states for wanted in states)
            ]

        if self._wait(lambda: bool(found()), timeout):
            return found()[-1]
        raise self._failure(
            f"Waited {self._seconds(timeout)} for a run{with_text(asked_for)} to be {either(states)}.",
            runs_text(self.runs()),
            then=in_a_loop(),
        )

    def settled(self, quiet: float = 0.2, *, timeout: float | None = None) -> list[Event]:
        """Waits until nothing has come for ``quiet`` seconds and no request is under way; gives all events."""
        __tracebackhide__ = True
        quiet, timeout = seconds_of(quiet, "quiet"), self._timeout(timeout)
        if quiet > timeout:
            raise ValueError(f"quiet for {quiet:g} s is more than the {timeout:g} s that are waited")
        until = monotonic() + timeout
        bell = self.server.bell
        while True:
            heard = bell.rung
            quiet_so_far = not wait_in_turns(partial(bell.wait_for, partial(rang_since, bell, heard)), quiet)
            idle = quiet_so_far and wait_in_turns(self.server.wait_until_idle, until - monotonic())
            if idle and bell.rung == heard:
                return self._all_events()
            if until - monotonic() < quiet:
                break
        why = "one is still under way" if quiet_so_far else "they keep coming"
        raise IntakeFailure(
            paragraphs(
                f"Waited {timeout:g} s for {quiet:g} s without a request; {why}.",
                events_text(self._all_events()),
                in_a_loop(),
            )
        )

    async def wait_for_async(self, events: int = 1, **asked: Any) -> list[Event]:
        """``wait_for`` for coroutines: the loop goes on meanwhile."""
        __tracebackhide__ = True
        check_names(self.wait_for, asked)
        return await in_thread(partial(self.wait_for, events, **asked))

    async def wait_for_run_async(self, run: RunId | None = None, **asked: Any) -> Run:
        """``wait_for_run`` for coroutines."""
        __tracebackhide__ = True
        check_names(self.wait_for_run, asked)
        return await in_thread(partial(self.wait_for_run, run, **asked))

    async def settled_async(self, quiet: float = 0.2, *, timeout: float | None = None) -> list[Event]:
        """``settled`` for coroutines."""
        __tracebackhide__ = True
        return await in_thread(partial(self.settled, quiet, timeout=timeout))

    # Judging and comparing.

    def expect_finding(self, code: str, times: int | None = None) -> None:
        """This test wants a finding: it does not fail the test, and its absence does.

        ``code`` is a rule's code or the beginning of codes (``DD1``); ``times`` how often exactly, if that matters.
        What is wrong with requests that came meanwhile with no test's key (``HT004``) counts if no other test ran.
        """
        __tracebackhide__ = True
        self.expected_findings.append((known_code(code), times))

    def assert_event(self, expected: Mapping[str, Any]) -> Event:
        """Some event has all that ``expected`` has; the failure shows the difference to the nearest.

        What ``expected`` does not name may be anything. See ``mock_intake_pytest.ANY`` and its like for what values
        can stand for.
        """
        __tracebackhide__ = True
        from mock_intake_pytest import comparing

        events = self._all_events()
        try:
            return comparing.one_like(expected, events)
        except IntakeFailure as failure:
            raise self._failure(str(failure)) from None

    def assert_events(self, expected: Sequence[Mapping[str, Any]], *, in_order: bool = True) -> list[Event]:
        """The events are these, no more and no fewer, each as in ``assert_event``; in order of arrival, or in any."""
        __tracebackhide__ = True
        from mock_intake_pytest import comparing

        events = self._all_events()
        try:
            return comparing.all_like(expected, events, in_order=in_order)
        except IntakeFailure as failure:
            raise self._failure(str(failure)) from None

    def assert_snapshot(
        self,
        name: str | None = None,
        *,
        ignore: Sequence[str] = (),
        replace: Mapping[str, str] | None = None,
    ) -> None:
        """The events are those of the test's snapshot file, but for ids, times, versions and ports.

        ``ignore`` are JSON Pointers into events, with ``*`` for any key or index, that are left out; ``replace`` maps
        regular expressions to what is written in place of what they find. ``pytest --intake-update`` writes the file.
        """
        __tracebackhide__ = True
        events = self._all_events()
        if not events:
            raise self._failure("There is nothing to make a snapshot of.", events_text(events))
        self._snapshot.check(name, [event.body for event in events], ignore, replace or {})

    # Misbehaving.

    def fail(self, step: int | str = 503, times: int | None = 1, **details: Any) -> None:
        """The next ``times`` requests (None: all) are answered so: a status, or close, reset, lost, hang, ...

        ``details`` are those of a fault step: headers, body, delay, match, probability, seed, location.
        """
        __tracebackhide__ = True
        self.sequence([{"step": step, "times": times, **details}])

    def sequence(self, steps: Any) -> None:
        """The next requests are answered by these steps, one each: ``"503,reset,202"`` or a list. Then all is well."""
        __tracebackhide__ = True
        try:
            plan = parse_plan(steps, self.record.org)
        except FaultError as error:
            raise ValueError(f"not a fault plan: {error}") from None
        self.server.faults.set(Plan(plan.sequence, plan.delay, plan.repeat_last, self.record.org))

    def slow(self, seconds: float) -> None:
        """Every answer comes so many seconds late, until ``well()`` or the end of the test."""
        __tracebackhide__ = True
        self.sequence({"sequence": [], "delay": seconds})

    def well(self) -> None:
        """Ends all misbehaviour."""
        self.server.faults.clear(self.record.org)

    @contextmanager
    def outage(self, step: int | str = "reset") -> Iterator[None]:
        """Within, no request gets through: connections are reset, or ``step`` says how (503, close, hang, ...)."""
        __tracebackhide__ = True
        self.fail(step, None)
        try:
            yield
        finally:
            self.well()

    @property
    def faults(self) -> dict[str, Any] | None:
        """The fault plan as it stands: its steps, ``taken`` and ``left``; None if there is none."""
        return self.server.faults.state(self.record.org)

    # For the plugin itself.

    @property
    def level(self) -> Severity:
        """The level from which findings are told."""
        return Severity.ERROR if self.wanted.fail_on == "never" else Severity(self.wanted.fail_on)

    def secure_server(self) -> IntakeServer:
        """The server, serving https too."""
        return self._host.secure_server()

    def caught_up(self) -> Record:
        """The record with all that has arrived."""
        self._host.catch_up()
        return self.record

    def close(self) -> None:
        """Makes the intake well and closes the Agent; what comes from now on is late."""
        self.well()
        if self._agent is not None:
            self._agent.close()
        self._host.close(self.record)

    def _all_events(self) -> list[Event]:
        """The events so far, in the order in which they were first taken."""
        self._host.catch_up()
        journal = self.record.journal
        with self._lock:
            for position, exchange in journal.read(self._seen, _EVERYTHING):
                self._seen = position
                if exchange.event is None:
                    continue
                record = journal.event(exchange.event.id)
                known = self._events.get(exchange.event.id)
                if known is not None and record is not None:
                    known.attempts = record.attempts
                elif exchange.accepted and record is not None:
                    self._events[exchange.event.id] = Event(record, exchange, self.record.selection)
            return list(self._events.values())

    def _own(self) -> list[Exchange]:
        self._host.catch_up()
        return [*reversed(self.record.journal.exchanges(ExchangeFilter(), _EVERYTHING).items)]

    def refused_exchanges(self) -> list[Exchange]:
        own = [exchange for exchange in self._own() if not exchange.accepted]
        return [*own, *self.record.strays]

    def _failure(self, *parts: str, then: str = "") -> IntakeFailure:
        """With what was refused meanwhile, and whether something is missing here."""
        return IntakeFailure(paragraphs(*parts, refused_text(self.refused_exchanges()), then, self.dropped_text()))

    def dropped_text(self) -> str:
        count = self.record.dropped + self.record.journal.dropped
        return (
            f"{count} requests were dropped from memory to stay within its bounds; they are missing here."
            if count
            else ""
        )

    def _timeout(self, timeout: float | None) -> float:
        __tracebackhide__ = True
        return self.wanted.timeout if timeout is None else seconds_of(timeout, "timeout")

    def _seconds(self, timeout: float | None) -> str:
        return f"{self._timeout(timeout):g} s"

    def _wait(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        __tracebackhide__ = True
        return wait_in_turns(partial(self.server.bell.wait_for, condition), self._timeout(timeout))
