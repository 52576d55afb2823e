"""``mock-intake replay``: sends recorded events to an intake, once more or for the first time."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx

from mock_intake.cli.console import coloured, echo
from mock_intake.cli.sources import is_url, opened
from mock_intake.datadog.sites import INTAKE_PATH, SITES_WITH_INTAKE, intake_host
from mock_intake.openlineage.run_cycle import moment
from mock_intake.parsing import ParseError, dumps, parse
from mock_intake.recordings import RecordingError, files_in, read_file
from mock_intake.transfer import event_to_line

_RETRIED = (408, 429, 500, 502, 503, 504)
_ATTEMPTS = 5
_FIRST_PAUSE = 0.3
_LONGEST_PAUSE = 30.0
_TIMEOUT = 10.0


@click.command()
@click.argument("recording", metavar="FILE|DIRECTORY|JOURNAL")
@click.option("--to", "target", required=True, metavar="URL|SITE", help="The intake to send to.")
@click.option(
    "--api-key-env", default="DD_API_KEY", show_default=True, metavar="NAME", help="Variable with the API key."
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="R", help="At most R events a second.")
@click.option("--retime", is_flag=True, help="Move all eventTimes alike, so that the last of them is now.")
@click.option("--yes-really", is_flag=True, help="Send even to a real Datadog intake.")
def replay(recording: str, target: str, api_key_env: str, rate: float | None, retime: bool, yes_really: bool) -> None:
    """Send recorded events, in their order, to any intake: from NDJSON files, a directory, or a journal file.

    What is answered with 408, 429 or 5xx, or not at all, is sent again, up to five times.

    \b
    Examples:
      mock-intake replay events.ndjson --to http://127.0.0.1:8580
      DD_API_KEY=... mock-intake replay events.db --to datadoghq.com --retime --yes-really

    \b
    Exit codes:
      0  every event was taken
      1  some were not
      2  nothing to send, or nowhere to send it
    """
    url = _endpoint(target)
    if _is_datadog(url) and not yes_really:
        raise click.UsageError(
            f"{urlsplit(url).hostname} is a real Datadog intake: what is sent there stays there. "
            "Add --yes-really if you mean it."
        )
    api_key = os.environ.get(api_key_env)
    if not api_key:
        raise click.UsageError(f"There is no API key: set {api_key_env}, or name another variable with --api-key-env.")
    events = list(_events(recording))
    if not events:
        raise click.UsageError(f"There are no events in {recording}.")
    if retime:
        events = _retimed(events)
    answers: Counter[str] = Counter()
    taken = 0
    headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
    with (
        httpx.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=False) as client,
        _progress(len(events)) as step,
    ):
        due = time.monotonic()
        for event in events:
            if rate is not None:
                time.sleep(max(0.0, due - time.monotonic()))
                due = max(due + 1 / rate, time.monotonic())
            outcome, good = _send(client, url, event)
            answers[outcome] += 1
            taken += good
            step()
    counted = ", ".join(f"{count} x {outcome}" for outcome, count in answers.most_common())
    line = f"{taken} of {len(events)} events taken by {urlsplit(url).netloc} ({counted})"
    echo(coloured(line, "green" if taken == len(events) else "red"))
    if taken < len(events):
        sys.exit(1)


def _endpoint(target: str) -> str:
    if target in SITES_WITH_INTAKE:
        return f"https://{intake_host(target)}{INTAKE_PATH}"
    if not is_url(target):
        raise click.UsageError(f"--to takes a URL or one of the sites {', '.join(SITES_WITH_INTAKE)}.")
    return target if urlsplit(target).path not in ("", "/") else target.rstrip("/") + INTAKE_PATH


def _is_datadog(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    domains = {".".join(site.split(".")[-2:]) for site in SITES_WITH_INTAKE}
    return any(host == domain or host.endswith("." + domain) for domain in domains)


def _events(recording: str) -> Iterator[bytes]:
    path = Path(recording)
    if path.is_file() and _is_journal(path):
        with opened(recording, None) as source:
            for _, exchange in source.journal.read(0, sys.maxsize >> 1):
                line = event_to_line(exchange) if exchange.accepted else None
                if line is not None:
                    yield line
        return
    try:
        for file in files_in([path]):
            yield from (recorded.body for recorded in read_file(file))
    except RecordingError as error:
        raise click.UsageError(str(error)) from error


def _is_journal(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\0"


def _retimed(events: list[bytes]) -> list[bytes]:
    """The events with their times moved by one difference; what has no readable time stays as it is."""
    parsed: list[Any] = []
    latest: datetime | None = None
    for event in events:
        try:
            value = parse(event).value
        except ParseError:
            value = None
        parsed.append(value)
        time_of = _time(value)
        if time_of is not None and (latest is None or time_of > latest):
            latest = time_of
    if latest is None:
        return events
    difference = datetime.now(UTC) - latest
    return [_moved(event, value, difference) for event, value in zip(events, parsed, strict=True)]


def _time(value: Any) -> datetime | None:
    found = (
        moment(value.get("eventTime")) if isinstance(value, dict) and isinstance(value.get("eventTime"), str) else None
    )
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _moved(event: bytes, value: Any, difference: timedelta) -> bytes:
    time_of = _time(value)
    if time_of is None:
        return event
    return dumps({**value, "eventTime": (time_of + difference).isoformat()})


def _send(client: httpx.Client, url: str, event: bytes) -> tuple[str, bool]:
    """Sends one event until it is taken, refused for good, or given up; tells the last answer."""
    pause = _FIRST_PAUSE
    outcome = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        try:
            response = client.post(url, content=event)
        except httpx.HTTPError as error:
            outcome = type(error).__name__
            continue
        outcome = str(response.status_code)
        if response.is_success:
            return outcome, True
        if response.status_code not in _RETRIED:
            return outcome, False
        after = response.headers.get("retry-after", "")
        if after.isdigit():
            pause = min(float(after), _LONGEST_PAUSE)
    return outcome, False


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A progress bar where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        yield lambda: progress.advance(task)
