"""``mock-intake replay``: sends recorded events to an intake, once more or for the first time."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import click
import httpx

from mock_intake.cli.command import Command
from mock_intake.cli.console import coloured, echo
from mock_intake.cli.options import Number
from mock_intake.cli.signals import received
from mock_intake.cli.sources import UnusableError, control_token_option, is_url, recorded_events
from mock_intake.client.requests import verification
from mock_intake.datadog.sites import INTAKE_PATH, SITES_WITH_INTAKE, intake_host
from mock_intake.files.retiming import retimed
from mock_intake.model.words import counted

_RETRIED = (408, 429, 500, 502, 503, 504)
_ATTEMPTS = 5
_FIRST_PAUSE = 0.3
_LONGEST_PAUSE = 60.0
_TIMEOUT = 10.0
# After so many events in a row that nobody answered there is nobody any more.
_GIVE_UP = 3
_LARGEST_PORT = 65_535
_KEY = re.compile(r"[!-~]+")


@click.command(cls=Command, short_help="Send recorded events to any intake.", page="how-to/recordings")
@click.argument("recording", metavar="FILE|DIRECTORY|JOURNAL|URL")
@click.option("--to", "target", required=True, metavar="URL|SITE", help="The intake to send to.")
@click.option(
    "--api-key-env", default="DD_API_KEY", show_default=True, metavar="NAME", help="Variable with the API key."
)
@click.option("--rate", type=Number(0, min_open=True), metavar="R", help="At most R events a second.")
@click.option("--retime", is_flag=True, help="Move all eventTimes alike, so that the last of them is now.")
@click.option("--yes-really", is_flag=True, help="Send even to a real Datadog intake.")
@control_token_option
def replay(
    recording: str,
    target: str,
    api_key_env: str,
    rate: float | None,
    retime: bool,
    yes_really: bool,
    control_token: str | None,
) -> None:
    """Send recorded events, in their order, to any intake: from NDJSON files, a directory, a
    journal file, or what a server has on record.

    What is answered with 408, 429, 500, 502, 503 or 504, or not at all, is sent again, up to five times in all,
    after the time that Retry-After asks for (a minute at most).

    \b
    Examples:
      mock-intake replay events.ndjson --to http://127.0.0.1:8580
      DD_API_KEY=... mock-intake replay events.db --to datadoghq.com --retime --yes-really

    \b
    Exit codes:
      0  every event was taken
      1  some were not, or it was interrupted
      2  nothing to send, or nowhere to send it
    """
    url = _endpoint(target)
    if _is_datadog(url) and not yes_really:
        raise click.UsageError(
            f"{url.host} is a real Datadog intake: what is sent there stays there. Add --yes-really if you mean it."
        )
    api_key = _api_key(api_key_env)
    events = [recorded.body for recorded in recorded_events(recording, control_token)]
    if not events:
        raise UnusableError(f"There are no events in {recording}.")
    if retime:
        events = retimed(events, time.time_ns())
    with _progress(len(events)) as step:
        sending = _Sending(url, api_key, rate, step)
        interrupted = sending.send_all(events)
    outcomes = ", ".join(f"{count} x {outcome}" for outcome, count in sending.outcomes.most_common())
    good = sending.taken == len(events)
    # The same body again is the same event once more.
    distinct = len(set(events))
    again = len(events) - distinct
    repeated = f"; {again} of the requests {'was' if again == 1 else 'were'} an event once more" if again else ""
    place = url.netloc.decode("ascii")
    echo(
        coloured(
            f"{len(sending.events)} of {counted(distinct, 'event')} taken by {place} "
            f"({outcomes or 'none sent'}){repeated}",
            "green" if good else "red",
        )
    )
    unsent = len(events) - sum(sending.outcomes.values())
    if interrupted:
        echo(f"Interrupted: {counted(unsent, 'event')} not sent, or not answered yet.", err=True)
    elif sending.is_hopeless:
        echo(f"{place} does not answer: {counted(unsent, 'event')} not sent.", err=True)
    if not good:
        sys.exit(1)


def _endpoint(target: str) -> httpx.URL:
    """Where to send to, read by the library that will send, so that no spelling means two hosts."""
    if target in SITES_WITH_INTAKE:
        target = f"https://{intake_host(target)}"
    if not is_url(target):
        raise click.UsageError(f"--to takes a URL or one of the sites {', '.join(SITES_WITH_INTAKE)}.")
    try:
        url = httpx.URL(target)
    except httpx.InvalidURL as error:
        raise click.UsageError(f"--to {target!r} is no URL: {error}.") from error
    if not url.host:
        raise click.UsageError(f"--to {target!r} names no host.")
    if url.port is not None and url.port > _LARGEST_PORT:
        raise click.UsageError(f"--to {target!r} is no URL: there is no port {url.port}.")
    if url.userinfo:
        raise click.UsageError("--to takes no user or password: the API key is all that is sent.")
    return url if url.path not in ("", "/") else url.copy_with(path=INTAKE_PATH)


def _is_datadog(url: httpx.URL) -> bool:
    host = url.raw_host.decode("ascii").rstrip(".").lower()
    domains = {".".join(site.split(".")[-2:]) for site in SITES_WITH_INTAKE}
    return any(host == domain or host.endswith("." + domain) for domain in domains)


def _api_key(variable: str) -> str:
    api_key = os.environ.get(variable, "").strip()
    if not api_key:
        raise click.UsageError(f"There is no API key: set {variable}, or name another variable with --api-key-env.")
    if not _KEY.fullmatch(api_key):
        raise click.UsageError(f"{variable} holds no API key: there are characters in it that no key has.")
    return api_key


def _utc(found: datetime) -> datetime:
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


class _Sending:
    """Sends events one by one, and counts what became of them; ``step`` is called after each.

    A thread of its own does the sending, and is left to itself where Ctrl-C comes: an exception that a signal raises
    amidst a client's work may leave its locks taken, and whoever closes it then would wait for them for good.
    """

    def __init__(self, url: httpx.URL, api_key: str, rate: float | None, step: Callable[[], object]) -> None:
        self._headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
        self._url = url
        self._rate = rate
        self._step = step
        self.outcomes: Counter[str] = Counter()
        # Requests, and the events in them, by their bodies.
        self.taken = 0
        self.events: set[bytes] = set()
        self._answered = 0
        # How many events in a row nobody has answered.
        self._unanswered = 0
        # Once that is set, with the lock taken, nothing more is counted: what there is is being printed.
        self._interrupted = threading.Event()
        self._counting = threading.Lock()
        # Set when nothing more is to be waited for.
        self._over = threading.Event()
        self._failure: BaseException | None = None

    def send_all(self, events: Iterable[bytes]) -> bool:
        """Returns when all are sent, or it is hopeless, or at once at Ctrl-C; whether that has come."""
        with received({signal.SIGINT: self._interrupt}):
            threading.Thread(target=self._run, args=(events,), name="mock-intake-replay", daemon=True).start()
            self._over.wait()
        if self._failure is not None:
            raise self._failure
        return self._interrupted.is_set()

    def _interrupt(self, _number: int) -> None:
        with self._counting:
            self._interrupted.set()
        self._over.set()

    def _run(self, events: Iterable[bytes]) -> None:
        try:
            verify = verification(str(self._url))
            with httpx.Client(headers=self._headers, timeout=_TIMEOUT, follow_redirects=False, verify=verify) as client:
                self._send_each(client, events)
        except BaseException as error:
            self._failure = error  # raised in the thread that waits
        self._over.set()

    def _send_each(self, client: httpx.Client, events: Iterable[bytes]) -> None:
        due = time.monotonic()
        for event in events:
            if self._rate is not None:
                self._interrupted.wait(max(0.0, due - time.monotonic()))
                due = max(due + 1 / self._rate, time.monotonic())
            if self._interrupted.is_set():
                return
            self._send(client, event)
            self._step()
            if self.is_hopeless:
                return

    @property
    def is_hopeless(self) -> bool:
        """Whether nobody is there: nobody ever was, or nobody is any more."""
        return self._unanswered >= (_GIVE_UP if self._answered else 1)

    def _send(self, client: httpx.Client, event: bytes) -> None:
        """Sends an event until it is taken, refused for good, or given up."""
        pause, retry_after = _FIRST_PAUSE, 0.0
        answered = taken = False
        outcome = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                if self._interrupted.wait(max(pause, retry_after)):
                    return
                pause, retry_after = pause * 2, 0.0
            try:
                response = client.post(self._url, content=event)
            except httpx.HTTPError as error:
                outcome = type(error).__name__
                continue
            answered = True
            outcome = str(response.status_code)
            taken = response.is_success
            if response.status_code not in _RETRIED:
                break
            retry_after = _retry_after(response)
        with self._counting:
            if self._interrupted.is_set():
                return
            self.outcomes[outcome] += 1
            self.taken += taken
            if taken:
                self.events.add(event)
        self._answered += answered
        self._unanswered = 0 if answered else self._unanswered + 1


def _retry_after(response: httpx.Response) -> float:
    """The seconds that Retry-After asks for, as a number or as a date; a minute at most."""
    after = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", after):
        return min(float(after), _LONGEST_PAUSE)
    try:
        until = _utc(parsedate_to_datetime(after))
    except ValueError:
        return 0.0
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_PAUSE)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], object]]:
    """A progress bar where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        yield lambda: progress.advance(task)
