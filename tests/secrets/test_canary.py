"""Secrets planted everywhere, and looked for in everything that the product puts out.

What there is to put out is taken from the tables of commands, formats, endpoints and pages, so that a new one is
searched as well, or is missed here.
"""

from __future__ import annotations

import html
import json
import random
import re
import sys
import time
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner

from mock_intake.cli.main import main
from mock_intake.report.formats import Kind, formats
from mock_intake.secrets.presenting import presented
from mock_intake.server.control import ENDPOINTS, PREFIX
from mock_intake.system.extensions import COMMANDS
from mock_intake.web.site import PAGES
from tests.commands import MOCK_INTAKE, PYTEST, clean_environment, run_command, start_command
from tests.events import run_event
from tests.fuzz import read_answers, request_bytes
from tests.plugin.alone import OURS
from tests.secrets.canaries import CANARIES, OTHER, OWN, events_with, leaks_in, requests_with, seen
from tests.web.looking import BROWSER

HERE = Path(__file__).parent
SENDER = HERE / "sender.py"
# Of each kind of page so many are looked at: there is one for every event.
MOST_OF_A_KIND = 40
# Settings of a producer with secrets in them, for the command that looks at settings.
SETTINGS = (
    f"DD_API_KEY={OWN}",
    f"OPENLINEAGE_API_KEY={OTHER}",
    f"OPENLINEAGE__TRANSPORT__AUTH__API_KEY={OWN}",
    "OPENLINEAGE_URL=https://etl:wr0ngh0rse88@lineage.example",
    "OPENLINEAGE__TRANSPORT__URL=https://lineage.example/?password=c0rrecth0rse7",
    "HTTPS_PROXY=http://etl:wr0ngh0rse88@proxy.example:3128",
)
FAMILIES = frozenset(canary.family for canary in CANARIES)
# Where a body is asked for as it was received; the keys are masked there too.
AS_RECEIVED = FAMILIES - {"own key", "another's key"}


class Recorded:
    """A server that was sent all of it; ``told`` is what it printed and logged, once it has ended."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal.db"
        self.events = folder / "events.ndjson"
        ready = folder / "ready.json"
        self.told = folder / "told.txt"
        with self.told.open("wb") as told:
            self.process = start_command(
                [MOCK_INTAKE, "serve", "--port", "0", "--journal", self.journal, "--ready-file", ready],
                stdout=told,
                stderr=told,
                env=clean_environment(),
            )
        until = time.monotonic() + 60
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.01)
        self.url = json.loads(ready.read_text())["url"]
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def send(self, data: bytes) -> None:
        import socket

        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(data)
            read_answers(connection, 1)

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.client.get(PREFIX + path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self) -> str:
        self.client.close()
        self.process.terminate()
        self.process.wait(60)
        return self.told.read_text()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    running = Recorded(tmp_path_factory.mktemp("canary"))
    try:
        # From now on it knows of the other org.
        running.send(request_bytes(json.dumps(run_event()).encode(), key=OTHER))
        sent = [request for canary in CANARIES for request in requests_with(canary)]
        random.Random(3).shuffle(sent)
        for request in sent:
            running.send(request)
        # As a recording that was made elsewhere: with all but the keys, which no server had masked.
        events = [event for canary in CANARIES if canary.family in AS_RECEIVED for event in events_with(canary)]
        running.events.write_text("".join(json.dumps(event) + "\n" for event in events))
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


# The control API


def without_bodies(value: Any) -> Any:
    """An answer without what is given as it was received."""
    if isinstance(value, dict):
        return {key: without_bodies(item) for key, item in value.items() if key not in ("body", "raw")}
    return [without_bodies(item) for item in value] if isinstance(value, list) else value


def answers(recorded: Recorded) -> Iterator[tuple[str, Any]]:
    """What every endpoint answers that reads."""
    ids = {
        "/events/{id}": [event["id"] for event in recorded.get("/events", limit=MOST_OF_A_KIND)["events"]],
        "/exchanges/{id}": [one["id"] for one in recorded.get("/exchanges", limit=MOST_OF_A_KIND)["exchanges"]],
        "/runs/{id}": ["latest", *(run["run_id"] for run in recorded.get("/runs")["runs"])],
    }
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET" or endpoint.path in ("/export", "/stream"):
            continue
        names = {parameter.name for parameter in endpoint.parameters}
        query = {name: value for name, value in {"limit": 1000, "closed": "1", "body": "1"}.items() if name in names}
        if "{id}" not in endpoint.path:
            yield endpoint.path, recorded.get(endpoint.path, **query)
        for identity in ids[endpoint.path] if "{id}" in endpoint.path else ():
            yield endpoint.path, recorded.get(endpoint.path.replace("{id}", quote(identity, safe="")), **query)


def test_answers_of_the_control_api(recorded: Recorded) -> None:
    total = 0
    for path, answer in answers(recorded):
        total += 1
        # As text of the answer's own, so that no escape of JSON hides anything.
        shown = "\n".join(texts_of(without_bodies(answer)))
        assert not leaks_in(shown), (path, leaks_in(shown))
        assert not leaks_in("\n".join(texts_of(answer)), but=AS_RECEIVED), path
    assert total > 60
    waited = recorded.client.post(f"{PREFIX}/wait", json={"state": "COMPLETE", "events": 1, "timeout": 5})
    assert not leaks_in(waited.text)


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for key, item in value.items() if isinstance(value, dict) else ():
        yield key
        yield from texts_of(item)
    for item in value if isinstance(value, list) else ():
        yield from texts_of(item)


def test_metrics(recorded: Recorded) -> None:
    text = recorded.client.get("/metrics").text
    assert "mock_intake_findings_total" in text
    assert not leaks_in(text)


def test_the_stream(recorded: Recorded) -> None:
    blocks = ""
    with recorded.client.stream("GET", f"{PREFIX}/stream", headers={"last-event-id": "0"}) as answer:
        for block in answer.iter_text():
            blocks += block
            if blocks.count("event: exchange") > 200:
                break
    for line in blocks.splitlines():
        if line.startswith("data: {") and line.endswith("}"):
            shown = "\n".join(texts_of(json.loads(line.removeprefix("data: "))))
            assert not leaks_in(shown), leaks_in(shown)


def test_the_places_that_give_bodies_as_received_have_all_but_keys(recorded: Recorded) -> None:
    """So it was planted, and would have been found."""
    for what in ("events", "exchanges"):
        exported = recorded.client.get(f"{PREFIX}/export", params={"what": what}).text
        assert not leaks_in(exported, but=AS_RECEIVED)
    text = recorded.client.get(f"{PREFIX}/export").text
    assert {leak.partition(":")[0] for leak in leaks_in(text)} == AS_RECEIVED


def test_names_are_found_by_what_is_shown_of_them(recorded: Recorded) -> None:
    canary = next(canary for canary in CANARIES if canary.family == "password")
    shown = presented(canary.text)
    by_shown, by_name = (recorded.get("/events", job_name=name)["events"] for name in (shown, canary.text))
    assert by_shown
    assert [one["id"] for one in by_shown] == [one["id"] for one in by_name]
    assert {one["job"]["name"] for one in by_name} == {shown}
    run = recorded.get(f"/runs/{shown}")
    assert run["run_id"] == shown
    event = by_name[0]["id"]
    page = recorded.client.get(f"/mock/events/{event}", headers=BROWSER).text
    assert "Show as received" in page
    for path in (f"/mock/events/{event}?as_received=1", f"/mock/events/{event}/body?as_received=1"):
        assert canary.hidden in recorded.client.get(path, headers=BROWSER).text
    assert canary.hidden not in recorded.client.get(f"/mock/events/{event}/body", headers=BROWSER).text


# The pages


def test_pages(recorded: Recorded) -> None:
    """Every page of the table, and whatever they lead to."""
    waiting = [page.path for page in PAGES if page.method == "GET" and "{id}" not in page.path]
    known = set(waiting)
    counts: dict[str, int] = {}
    kinds: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        kind = next((page.path for page in PAGES if page.match("GET", path.partition("?")[0]) is not None), path)
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] > MOST_OF_A_KIND:
            continue
        answer = recorded.client.get(path, headers=BROWSER)
        assert answer.status_code in (200, 303, 404), (path, answer.text)
        kinds.add(kind)
        shown = seen(answer.text)
        assert not leaks_in(shown), (path, leaks_in(shown))
        for link in re.findall(r'(?:href|action)="([^"]*)"', answer.text):
            address = html.unescape(link).partition("#")[0]
            ours = address.startswith("/mock") and "as_received" not in address and "/static/" not in address
            if ours and address not in known:
                known.add(address)
                waiting.append(address)
    assert kinds >= {page.path for page in PAGES if page.method == "GET"}


# Commands

# The reports of which a command writes all formats at once.
WRITTEN = (Kind.SUITE, Kind.REPORT)


def few_of(recorded: Recorded, folder: Path) -> Path:
    """A recording of two events of each canary: one with the name of its job, and one with a facet called so."""
    few: dict[str, str] = {}
    for line in recorded.events.read_text().splitlines():
        kind = next((word for word in ('"eventType": "COMPLETE"', "AcmeFacet") if word in line), None)
        if kind is not None:
            few[f"{kind} {leaks_in(line)[0].partition(':')[0]} {json.loads(line)['job']['name']}"] = line
    file = folder / "few.ndjson"
    file.write_text("\n".join(few.values()) + "\n")
    return file


def outputs(recorded: Recorded, folder: Path) -> dict[str, list[list[str]] | str]:
    """How each command is made to put out what it can; or why it has nothing of events to put out."""
    journal, events, few = str(recorded.journal), str(recorded.events), str(few_of(recorded, folder))
    lines = folder / "lines.ndjson"
    lines.write_bytes(recorded.client.get(f"{PREFIX}/export", params={"what": "exchanges"}).content)
    certify = ["certify", "--path", "custom", "--only", "content/no-secrets"]
    suite, reports = (
        [each for format_ in formats(kind).values() for each in ("-o", str(folder / f"{kind.value}{format_.suffix}"))]
        for kind in WRITTEN
    )
    return {
        "check": [["check", events, "--format", name, "-v"] for name in formats(Kind.CHECK)],
        # What is on record is put together once for all formats, with all that any of them shows.
        "report": [["report", journal, *reports], ["report", recorded.url]],
        "diff": [
            ["diff", *map(str, pair), "--format", name]
            for pair in ((few, HERE / "one.ndjson"), (HERE / "one.ndjson", few))
            for name in formats(Kind.DIFFERENCE)
        ],
        "export": [["export", journal, "-o", str(folder / "exported.ndjson")]],
        "import": [["import", str(lines), "--to", str(folder / "imported.db")]],
        "replay": [["replay", few, "--to", recorded.url]],
        "run": [["run", "--path", "datadog", "-v", "--", sys.executable, str(SENDER), few]],
        "certify": [[*certify, *suite, "--", sys.executable, str(SENDER), few, "{url}", "{key}"]],
        "doctor": [
            ["doctor", "--path", each, "--", "env", *SETTINGS, "python", "job.py"] for each in ("http", "datadog")
        ],
        "wait": [
            ["wait", recorded.url, "--state", "COMPLETE"],
            ["wait", recorded.url, "--state", "COMPLETE", "--json"],
            ["wait", recorded.url, "--state", "COMPLETE", "--job", CANARIES[0].text, "--timeout", "0"],
        ],
        "status": [["status", recorded.url], ["status", recorded.url, "--json"]],
        "faults": [
            ["faults", recorded.url, "set", "503", "--org", "0" * 12],
            ["faults", recorded.url, "clear", "--org", "0" * 12],
        ],
        "reset": [["reset", recorded.url, "--org", "0" * 12]],
        "open": "it has no events",
        "serve": "see test_lines_and_log_of_the_server",
        "audit": "see tests/audit/test_audit.py",
        "rules": "it has no events",
        "atlas": "it has no events",
        "completion": "it has no events",
        "demo": "its events are its own",
        "conformance": "its events are its own",
    }


def test_every_command(recorded: Recorded, tmp_path: Path) -> None:
    table = outputs(recorded, tmp_path)
    assert set(table) == {point.name for point in entry_points(group=COMMANDS)}
    for name, calls in table.items():
        for arguments in calls if isinstance(calls, list) else ():
            if name in ("run", "certify"):
                done = run_command([MOCK_INTAKE, *arguments], env=clean_environment(), cwd=tmp_path)
                told = (done.stdout + done.stderr).decode()
            else:
                result = CliRunner().invoke(main, arguments)
                assert result.exception is None or isinstance(result.exception, SystemExit), (
                    arguments,
                    result.exception,
                )
                told = result.output
            assert told.strip(), arguments
            assert not leaks_in(seen(told)), (arguments[:4], leaks_in(seen(told)))
    for kind in WRITTEN:
        files = list(tmp_path.glob(f"{kind.value}.*"))
        assert len(files) == len(formats(kind))
        for file in files:
            shown = file.read_text()
            assert shown.strip(), file.name
            assert not leaks_in(seen(shown)), (file.name, leaks_in(seen(shown)))


# The plugin


@pytest.mark.parametrize(("suffix", "options"), [(".html", ["-l"]), (".json", ["-n", "2"])], ids=["alone", "xdist"])
def test_pytest_with_failures(suffix: str, options: list[str], recorded: Recorded, tmp_path: Path) -> None:
    """Reports are written here as by the command report, which writes all formats."""
    (tmp_path / "test_failing.py").write_text((HERE / "failing_tests.txt").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    report, few = tmp_path / f"report{suffix}", few_of(recorded, tmp_path)
    plugins = ["-p", OURS, "-p", "xdist.plugin"]
    done = run_command(
        [*PYTEST, "-q", *plugins, f"--intake-report={report}", *options],
        cwd=tmp_path,
        text=True,
        env=clean_environment(
            CANARY_SENDER=str(SENDER), CANARY_EVENTS=str(few), CI="", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
        ),
    )
    told = done.stdout + done.stderr
    assert done.returncode == 1, told[-3000:]
    assert not leaks_in(told), leaks_in(told)
    assert not leaks_in(seen(report.read_text())), leaks_in(seen(report.read_text()))
    snapshots = list((tmp_path / "intake_snapshots").rglob("*.json"))
    assert snapshots
    for file in snapshots:
        assert not leaks_in(file.read_text()), (file, leaks_in(file.read_text()))


# The server's own words; the last, as it ends.


def test_lines_and_log_of_the_server(recorded: Recorded) -> None:
    told = recorded.end()
    assert "events taken" in told
    assert not leaks_in(told), leaks_in(told)
    # Nor are keys in the file, whatever else is.
    kept = recorded.journal.read_bytes().decode("latin-1")
    assert not leaks_in(kept, but=AS_RECEIVED)
