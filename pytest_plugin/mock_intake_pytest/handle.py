"""The handle on its intake that a test gets: addresses, questions, waits, comparisons and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_intake.model.findings import Finding, Severity
from mock_intake.secrets.api_keys import Variables
from mock_intake.server.listen import Listener
from mock_intake.server.runner import IntakeServer
from mock_intake.system.clock import monotonic
from mock_intake_pytest import snapshots
from mock_intake_pytest.codes import known_code
from mock_intake_pytest.criteria import (
    JobName,
    RunId,
    Word,
    criteria,
    fits_any_job,
    fits_run,
    misses_of,
    number_of,
    states_of,
)
from mock_intake_pytest.failures import (
    IntakeFailure,
    either,
    events_text,
    near_misses_text,
    paragraphs,
    refused_text,
    runs_text,
    with_text,
)
from mock_intake_pytest.host import Host, Record
from mock_intake_pytest.options import PATHS, Wanted, seconds_of
from mock_intake_pytest.received import Received
from mock_intake_pytest.records import Event, Exchange, LineageGraph, Run, graph_of
from mock_intake_pytest.renames import OF_THE_HANDLE, check_attribute, with_new_keywords
from mock_intake_pytest.waiting import changed_since, check_names, in_a_loop, in_thread, wait_in_turns

if TYPE_CHECKING:
    from mock_intake.producers.environment import ProducerEnvironment


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
        self.received = Received(host, record)
        self._agent: Listener | None = None
        self.api_key = api_key
        self.url = host.server.url
        self.host = self.url.partition("://")[2]
        self.site = self.url
        self.expected_findings: list[tuple[str, int | None]] = []

    def __repr__(self) -> str:
        return f"<intake {self.url} of {self.record.nodeid}>"

    if not TYPE_CHECKING:  # where it would let any name pass

        def __getattr__(self, name: str) -> Any:
            __tracebackhide__ = True
            check_attribute("intake", name, OF_THE_HANDLE)
            return super().__getattribute__(name)  # which raises what it should

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
        """The variables that lead a producer here by ``path``: http, datadog, async, agent, proxy, intercept or custom.

        Without one, by the path of the test. Those that would win over them are empty. Its ``repr`` has no key. For
        ``subprocess.run(..., env={**os.environ, **intake.env()})``; ``intake_env`` sets them for the test. Raises
        ``ValueError`` for any other path.
        """
        __tracebackhide__ = True
        return Variables(self._environment(path or self.wanted.path).by_hand(), self.api_key)

    def _environment(self, path: str) -> ProducerEnvironment:
        """What is done to the surroundings of this process by ``intake_env``, its files being written."""
        __tracebackhide__ = True
        if path not in PATHS:
            raise ValueError(f"path is one of {', '.join(PATHS)}, not {path!r}")
        from mock_intake_pytest.environment import environment_of

        return environment_of(self._host, self.api_key, path, lambda: self.agent_url)

    # What arrived.

    @with_new_keywords
    def events(
        self,
        *,
        event_type: Word | None = None,
        job: JobName | None = None,
        run_id: RunId | None = None,
        status: Word | None = None,
        kind: Word | None = None,
    ) -> list[Event]:
        """The events that the intake took, in order of arrival.

        ``event_type`` is an eventType, ``job`` a name, a pattern that is searched in the name, or (namespace, name);
        ``run_id`` a run id, ``status`` what the product would show: ok, warning or error; ``kind`` is RunEvent,
        JobEvent or DatasetEvent.
        """
        __tracebackhide__ = True
        wanted = criteria(event_type=event_type, job=job, run_id=run_id, status=status, kind=kind)
        return [event for event in self.received.events() if not misses_of(event, wanted)]

    @with_new_keywords
    def event(
        self,
        *,
        event_type: Word | None = None,
        job: JobName | None = None,
        run_id: RunId | None = None,
        status: Word | None = None,
        kind: Word | None = None,
    ) -> Event:
        """The one event that fits, asked for as in ``events``. Raises ``IntakeFailure``, which lists the nearest,
        otherwise.
        """
        __tracebackhide__ = True
        wanted = criteria(event_type=event_type, job=job, run_id=run_id, status=status, kind=kind)
        every = self.received.events()
        misses = {event.id: misses_of(event, wanted) for event in every}
        found = [event for event in every if not misses[event.id]]
        if len(found) == 1:
            return found[0]
        what = f"one event{with_text(wanted)}"
        if found:
            raise IntakeFailure(
                paragraphs(
                    f"Expected exactly {what}; {len(found)} fit.", events_text(found), self.received.dropped_text()
                )
            )
        raise self._failure(f"Expected {what}; none fits.", near_misses_text(every, misses))

    @with_new_keywords
    def run(self, run_id: RunId | None = None, *, job: JobName | None = None) -> Run:
        """The one run that fits, by ``run_id`` or by any of its jobs (``job`` as in ``events``).

        Raises ``IntakeFailure``, which lists the runs, where none fits or several do.
        """
        __tracebackhide__ = True
        wanted = criteria(run_id=run_id, job=job)
        every = self.runs()
        found = [
            run for run in every if fits_run(run.run_id, wanted["run_id"]) and fits_any_job(run.jobs, wanted["job"])
        ]
        if len(found) == 1:
            return found[0]
        what = f"one run{with_text(wanted)}"
        if found:
            raise IntakeFailure(f"Expected exactly {what}; {len(found)} fit.\n\n{runs_text(found)}")
        raise self._failure(f"Expected {what}; none fits.", runs_text(every, wanted["run_id"]))

    def runs(self, *, job: JobName | None = None) -> list[Run]:
        """The runs, the first heard of first; with ``job`` (as in ``events``) those that have it."""
        __tracebackhide__ = True
        wanted = criteria(job=job)["job"]
        return [each for each in self.received.runs() if fits_any_job(each.jobs, wanted)]

    @property
    def lineage(self) -> LineageGraph:
        """What the events say of jobs, datasets and columns."""
        self._host.catch_up()
        views = self.record.views
        with views.held():
            return graph_of(views.lineage().get(self.record.org))

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request that came with the test's key, taken or not, in order of arrival."""
        return self.received.requests()

    @property
    def refused(self) -> list[Exchange]:
        """Requests that were not taken: the test's own, and those that came meanwhile with no test's key."""
        return [Exchange(exchange, None) for exchange in self.received.refused()]

    @property
    def findings(self) -> list[Finding]:
        """All that was found so far: in events, in refused requests, over runs and datasets."""
        from mock_intake_pytest.places import places_of

        return [place.finding for place in places_of(self.caught_up(), closed=False)]

    # Waiting.

    @with_new_keywords
    def wait_for(
        self,
        events: int = 1,
        *,
        event_type: Word | None = None,
        job: JobName | None = None,
        run_id: RunId | None = None,
        status: Word | None = None,
        timeout: float | None = None,
    ) -> list[Event]:
        """Waits until at least so many ``events`` that fit have arrived, and gives them; to be asked for as in
        ``events()``.

        ``timeout`` is in seconds; the default is the test's. When it runs out ``IntakeFailure`` is raised, which says
        what did arrive.
        """
        __tracebackhide__ = True
        number, wanted = number_of(events), criteria(event_type=event_type, job=job, run_id=run_id, status=status)
        ask = partial(self.events, **wanted)
        if self._wait(lambda: len(ask()) >= number, timeout):
            return ask()
        plural = "" if number == 1 else "s"
        raise self._failure(
            f"Waited {self._seconds(timeout)} for {number} event{plural}{with_text(wanted)}; "
            f"{len(ask()) or 'none'} came.",
            events_text(self.received.events()),
            then=in_a_loop(),
        )

    @with_new_keywords
    def wait_for_run(
        self,
        run_id: RunId | None = None,
        *,
        job: JobName | None = None,
        state: Word | Iterable[Word] = ("COMPLETE", "FAIL", "ABORT"),
        timeout: float | None = None,
    ) -> Run:
        """Waits until a run that fits has been in ``state``, one or several (by default: has ended), and gives it.

        ``run_id`` and ``job`` are as in ``run``; ``timeout``, and what is raised at its end, as in ``wait_for``.
        """
        __tracebackhide__ = True
        states, wanted = states_of(state), criteria(run_id=run_id, job=job)

        def found() -> list[Run]:
            return [
                each
                for each in self.runs(job=wanted["job"])
                if fits_run(each.run_id, wanted["run_id"]) and any(map(each.has_reached, states))
            ]

        if self._wait(lambda: bool(found()), timeout):
            return found()[-1]
        raise self._failure(
            f"Waited {self._seconds(timeout)} for a run{with_text(wanted)} to be {either(states)}.",
            runs_text(self.runs(), wanted["run_id"]),
            then=in_a_loop(),
        )

    def settled(self, quiet: float = 0.2, *, timeout: float | None = None) -> list[Event]:
        """Waits until nothing has come for ``quiet`` seconds and no request is under way; gives all events.

        Raises ``IntakeFailure`` after ``timeout`` seconds (by default the test's), ``ValueError`` where that is less
        than ``quiet``.
        """
        __tracebackhide__ = True
        quiet, timeout = seconds_of(quiet, "quiet"), self._timeout(timeout)
        if quiet > timeout:
            raise ValueError(f"quiet for {quiet:g} s is more than the {timeout:g} s that are waited")
        until = monotonic() + timeout
        changes = self.server.changes
        while True:
            seen = changes.count
            quiet_so_far = not wait_in_turns(partial(changes.wait_for, partial(changed_since, changes, seen)), quiet)
            idle = quiet_so_far and wait_in_turns(self.server.wait_until_idle, until - monotonic())
            if idle and changes.count == seen:
                return self.received.events()
            if until - monotonic() < quiet:
                break
        why = "one is still under way" if quiet_so_far else "they keep coming"
        raise IntakeFailure(
            paragraphs(
                f"Waited {timeout:g} s for {quiet:g} s without a request; {why}.",
                events_text(self.received.events()),
                self.hints(),
                in_a_loop(),
            )
        )

    async def wait_for_async(self, events: int = 1, **wanted: Any) -> list[Event]:
        """``wait_for`` for coroutines, with the same arguments (``events``, ``wanted``): the loop goes on meanwhile."""
        __tracebackhide__ = True
        check_names(self.wait_for, wanted)
        return await in_thread(partial(self.wait_for, events, **wanted))

    async def wait_for_run_async(self, run_id: RunId | None = None, **wanted: Any) -> Run:
        """``wait_for_run`` for coroutines, with the same arguments (``run_id``, ``wanted``)."""
        __tracebackhide__ = True
        check_names(self.wait_for_run, wanted)
        return await in_thread(partial(self.wait_for_run, run_id, **wanted))

    async def settled_async(self, quiet: float = 0.2, *, timeout: float | None = None) -> list[Event]:
        """``settled`` for coroutines, with the same arguments (``quiet``, ``timeout``)."""
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
        """Some event has all that ``expected`` has; gives it.

        What ``expected`` does not name may be anything; what it names is compared exactly, numbers by what they are
        worth (3 is 3.0). See ``mock_intake_pytest.ANY`` and its like for what can stand in place of values. Raises
        ``IntakeFailure``, which shows the difference to the nearest.
        """
        __tracebackhide__ = True
        from mock_intake_pytest import comparing

        events = self.received.events()
        try:
            return comparing.one_like(expected, events)
        except IntakeFailure as failure:
            raise self._failure(str(failure)) from None

    def assert_events(self, expected: Sequence[Mapping[str, Any]], *, in_order: bool = True) -> list[Event]:
        """The events are those ``expected``, no more and no fewer, each as in ``assert_event``; gives them.

        In the order of arrival, or (``in_order`` False) in any. Raises ``IntakeFailure``.
        """
        __tracebackhide__ = True
        from mock_intake_pytest import comparing

        events = self.received.events()
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
        """The events are those of the test's snapshot file, but for ids, times, versions and ports; else exactly.

        ``ignore`` are JSON Pointers into events, with ``*`` for any key or index, that are left out; ``replace`` maps
        regular expressions to what is written in place of what they find. ``pytest --intake-update`` writes the file.
        """
        __tracebackhide__ = True
        events = self.received.events()
        if not events:
            raise self._failure("There is nothing to make a snapshot of.", events_text(events))
        self._snapshot.check(name, [event.body for event in events], ignore, replace or {})

    # Misbehaving.

    def set_faults(self, sequence: Any = (), *, delay: float = 0.0, repeat_last: bool = False) -> None:
        """The next requests take these steps, one each, in place of the plan before; then they are handled as usual.

        A step is a status number, a word such as ``"reset"``, or the long form of either; ``sequence`` is a list of
        them, a text (``"503,reset,202"``), or a whole plan as the control API takes it. ``delay`` (seconds) comes
        before every answer; ``repeat_last`` makes the last step last until ``clear_faults()`` or the end of the test.
        Raises ``ValueError`` for a plan that cannot be understood.
        """
        __tracebackhide__ = True
        from mock_intake.faults import FaultError, parse_plan

        try:
            plan = parse_plan(sequence, delay=delay or None, repeat_last=repeat_last or None)
        except FaultError as error:
            raise ValueError(f"not a fault plan: {error}") from None
        # Whatever org a plan names: a test's faults are that test's alone.
        self.server.faults.set(replace(plan, org=self.record.org))

    def clear_faults(self) -> None:
        """Ends all misbehaviour: requests are handled as usual again."""
        self.server.faults.clear(self.record.org)

    @contextmanager
    def outage(self, step: int | str = "reset") -> Iterator[None]:
        """Within, no request gets through: connections are reset, or ``step`` says how (503, close, hang, ...)."""
        __tracebackhide__ = True
        self.set_faults([step], repeat_last=True)
        try:
            yield
        finally:
            self.clear_faults()

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

    @contextmanager
    def led(self, path: str) -> Iterator[Mapping[str, str]]:
        """Within, this process's environment leads here by ``path``; raises ``ValueError`` as ``env`` does."""
        from mock_intake_pytest.environment import led

        with led(self._host, path, self._environment(path), self.api_key) as variables:
            yield variables

    def hints(self) -> str:
        """What is known of why no event came, else what to ask oneself; empty if some came, or were refused."""
        from mock_intake_pytest.hints import QUESTIONS, hints_text

        if self.received.events():
            return ""
        known = hints_text(self._host, self.record, self.api_key)
        return known or ("" if self.received.refused() else QUESTIONS)

    def caught_up(self) -> Record:
        """The record with all that has arrived."""
        self._host.catch_up()
        return self.record

    def close(self) -> None:
        """Clears the faults and closes the Agent; what comes from now on is late."""
        self.clear_faults()
        if self._agent is not None:
            self._agent.close()
        self._host.close(self.record)

    def _failure(self, *parts: str, then: str = "") -> IntakeFailure:
        """With what was refused meanwhile, what is known of why nothing came, and whether something is missing here."""
        refused, dropped = refused_text(self.received.refused()), self.received.dropped_text()
        return IntakeFailure(paragraphs(*parts, refused, self.hints(), then, dropped))

    def _timeout(self, timeout: float | None) -> float:
        __tracebackhide__ = True
        return self.wanted.timeout if timeout is None else seconds_of(timeout, "timeout")

    def _seconds(self, timeout: float | None) -> str:
        return f"{self._timeout(timeout):g} s"

    def _wait(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        __tracebackhide__ = True
        return wait_in_turns(partial(self.server.changes.wait_for, condition), self._timeout(timeout))
