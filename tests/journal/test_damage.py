"""Journals and imports that are damaged: what can be read is shown, what cannot is counted and told, nothing hangs."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import httpx
import orjson
import pytest
from click.testing import CliRunner
from msgspec import structs

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.files.exports import TransferError, exchange_to_line
from mock_intake.files.imports import Import
from mock_intake.journal import EventFilter, ExchangeFilter, JournalError, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.exchange import Exchange
from mock_intake.secrets.api_keys import org_of
from mock_intake.views import View
from mock_intake.views.extracts import Extract
from mock_intake.web.site import PAGES
from tests.commands import MOCK_INTAKE, clean_environment, start_command
from tests.fuzz import request_bytes, send
from tests.journal.exchanges import plain
from tests.journal.serving import HEADERS, KEY, Answer, Serving, new_event, serving
from tests.journal.test_trouble import assert_unavailable, small_disk
from tests.web.looking import BROWSER


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    HTTP.close()


HTTP = httpx.Client(trust_env=False, timeout=30)


def exchanges(count: int) -> list[Exchange]:
    """So many exchanges, each with an event of its own."""
    with IntakeServer() as server:
        for _ in range(count):
            send(server, request_bytes(orjson.dumps(new_event())))
        return [exchange for _, exchange in server.journal.read(0, count)]


def import_lines(server: IntakeServer, *lines: bytes) -> httpx.Response:
    return HTTP.post(f"{server.url}/api/mock/v1/import", content=b"\n".join(lines))


def of_another_job(exchange: Exchange) -> Exchange:
    assert exchange.event is not None
    event = structs.replace(exchange.event, job_name="another")
    return structs.replace(exchange, event=event, request=structs.replace(exchange.request, id=exchange.id + "x"))


# Imports


def test_an_import_that_contradicts_itself_is_refused_whole_and_both_lines_are_named(tmp_path: Path) -> None:
    first, second = exchanges(2)
    lines = [exchange_to_line(each) for each in (second, first, of_another_job(first))]
    with IntakeServer() as server:
        answer = import_lines(server, *lines)
        assert answer.status_code == 400
        assert "lines 2 and 3 contradict each other" in answer.json()["error"]
        assert server.journal.position == 0
    file = tmp_path / "lines.ndjson"
    file.write_bytes(b"\n".join(lines))
    done = CliRunner().invoke(main, ["import", str(file), "--to", str(tmp_path / "journal.db")])
    assert done.exit_code == 2
    assert "lines 2 and 3" in done.output
    assert not (tmp_path / "journal.db").exists()


def test_an_import_that_contradicts_what_is_on_record_is_refused_whole() -> None:
    (exchange,) = exchanges(1)
    with IntakeServer() as server:
        assert import_lines(server, exchange_to_line(exchange)).status_code == 200
        answer = import_lines(server, *map(exchange_to_line, (*exchanges(1), of_another_job(exchange))))
        assert answer.status_code == 400
        assert "line 2 contradicts what is on record" in answer.json()["error"]
        assert server.journal.position == 1


def test_two_exchanges_of_one_id_are_refused_and_one_that_is_there_twice_is_known() -> None:
    (exchange,) = exchanges(1)
    other = structs.replace(exchange, request=structs.replace(exchange.request, path="/elsewhere"))
    with pytest.raises(TransferError, match="lines 1 and 2 are two exchanges of the id"):
        Import(BytesIO(b"\n".join(map(exchange_to_line, (exchange, other)))), lambda _: False)
    assert Import(BytesIO(b"\n".join([exchange_to_line(exchange)] * 2)), lambda _: False).known == 1


def test_whatever_is_on_record_pages_and_lists_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """Put on record as an import of a version before could: one event id, two jobs."""
    first, second = exchanges(2)
    journal = MemoryJournal()
    journal.append([first, of_another_job(first), second])
    with IntakeServer(journal=journal) as server:
        for page in PAGES:
            if page.method == "GET" and "{id}" not in page.path:
                assert HTTP.get(server.url + page.path, headers=BROWSER).status_code in (200, 303, 404), page.path
        assert len(HTTP.get(f"{server.url}/api/mock/v1/jobs").json()["jobs"]) == 2
    assert not caplog.records


def test_what_no_view_can_take_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    first, second = exchanges(2)
    journal = MemoryJournal()
    journal.append([first, second])

    def fold(state: list[int], _taken: Extract, position: int) -> list[int]:
        if position == 1:
            raise KeyError("a name that nobody has")
        return [*state, position]

    view: View[list[int]] = View(journal, list, fold)
    with caplog.at_level(logging.ERROR, "mock_intake"):
        assert view.state() == view.state() == [2]
    assert caplog.text.count("the exchange at position 1 is left out") == 1


# Rows


Spoil = Callable[[sqlite3.Connection], None]


def updated(column: str, value: object) -> Spoil:
    def spoil(connection: sqlite3.Connection) -> None:
        connection.execute(f"UPDATE exchanges SET {column} = ? WHERE position = 2", (value,))  # noqa: S608

    return spoil


def text_of_no_encoding(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE exchanges SET method = CAST(X'FF41' AS TEXT) WHERE position = 2")


SPOILED: dict[str, Spoil] = {
    "findings that are no JSON": updated("findings", b"{nonsense"),
    "a status that there is none of": updated("status", "excellent"),
    "a moment beyond the years": updated("received_at", 2**62),
    "headers that are a number": updated("headers", b"7"),
    "text in no encoding": text_of_no_encoding,
}


@pytest.fixture(params=SPOILED)
def spoiled(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A journal of three events, the second of which cannot be read."""
    file = tmp_path / "journal.db"
    with closing(SqliteJournal(file)) as journal:
        journal.append(exchanges(3))
    with closing(sqlite3.connect(file)) as connection, connection:
        SPOILED[request.param](connection)
    return file


def test_a_row_that_is_damaged_is_left_out_counted_and_told(spoiled: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(SqliteJournal(spoiled)) as journal, caplog.at_level(logging.ERROR, "mock_intake"):
        assert journal.damaged == 0
        assert [position for position, _ in journal.read(0, 10)] == [1, 3]
        assert [position for position, _ in journal.read(0, 1)] == [1]
        assert [position for position, _ in journal.read(1, 5)] == [3]
        assert len(journal.exchanges(ExchangeFilter(), 10).items) == 2
        assert len(journal.events(EventFilter(), 10).items) >= 2
        assert journal.damaged == 1
        assert caplog.text.count("the row 2 is damaged") == 1
        page = journal.exchanges(ExchangeFilter(), 1)
        following = journal.exchanges(ExchangeFilter(), 2, page.next)
        assert len(page.items) + len(following.items) == 2
        journal.append(exchanges(1))
        assert [position for position, _ in journal.read(0, 10)] == [1, 3, 4]
        # What is read in small parts goes on behind it.
        view: View[list[int]] = View(journal, list, lambda state, _, position: [*state, position])
        while view.advance(2):
            pass
        assert view.state() == [1, 3, 4]


def test_pages_lists_and_reports_go_on_beside_a_damaged_row(spoiled: Path) -> None:
    journal = SqliteJournal(spoiled)
    with IntakeServer(journal=journal) as server:
        for page in PAGES:
            if page.method == "GET" and "{id}" not in page.path:
                answer = HTTP.get(server.url + page.path, headers=BROWSER)
                assert answer.status_code in (200, 303, 404), (page.path, answer.text)
        assert "1 damaged row of the journal is left out" in HTTP.get(f"{server.url}/mock/runs", headers=BROWSER).text
        assert HTTP.get(f"{server.url}/api/mock/v1/statistics").json()["damaged"] == 1
        assert len(HTTP.get(f"{server.url}/api/mock/v1/export").text.splitlines()) == 2
    journal.close()
    told = CliRunner().invoke(main, ["report", str(spoiled), "--fail-on", "never"])
    assert "1 damaged row of the journal left out" in told.output
    told = CliRunner().invoke(main, ["export", str(spoiled)])
    assert "1 damaged row of" in told.output


def test_ctrl_c_over_a_journal_that_cannot_be_read_any_more_ends_with_a_summary(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    ready = tmp_path / "ready.json"
    process = start_command(
        [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", ready, "--journal", file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        text=True,
    )
    until = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < until:
        time.sleep(0.01)
    url = json.loads(ready.read_text())["url"]
    assert HTTP.post(f"{url}/api/v1/lineage", json=new_event(), headers=HEADERS).status_code == 202
    for damaged in (file, file.with_name("journal.db-wal")):
        with damaged.open("r+b") as stream:
            stream.write(b"\0" * damaged.stat().st_size)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "1 event taken: 1 ok" in told
    assert "What runs and datasets came to cannot be told" in told
    assert "Traceback" not in errors


@pytest.mark.parametrize("statement", ["DROP TABLE tallies", "DROP INDEX events_job_name", "DROP TRIGGER event_came"])
def test_what_is_missing_is_told_at_the_start(statement: str, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    SqliteJournal(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
    for read_only in (False, True):
        with pytest.raises(JournalError, match=f"is damaged: .*{statement.split()[-1]}.* missing in it"):
            SqliteJournal(file, read_only=read_only)


@pytest.mark.parametrize("statement", ["DELETE FROM facts", "UPDATE facts SET value = 'x'", "DELETE FROM held"])
def test_counts_that_cannot_be_read_are_told_at_the_start(statement: str, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    SqliteJournal(file).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)
    for read_only in (False, True):
        with pytest.raises(JournalError, match=r"is damaged: what it counts \(the tables facts and held\)"):
            SqliteJournal(file, read_only=read_only)


def test_an_org_whose_last_exchange_has_no_moment_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with closing(SqliteJournal(file)) as journal:
        journal.append([plain("one")])
        assert len(journal.orgs()) == 1
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE exchanges SET received_at = 9223372036854775807")
    with closing(SqliteJournal(file)) as journal, IntakeServer(journal=journal) as server:
        assert (journal.orgs(), journal.damaged) == ([], 1)
        assert HTTP.get(f"{server.url}/api/mock/v1/orgs").status_code == 200


# The log, and the disk


def test_a_log_that_is_taken_away_is_noticed_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with serving(tmp_path, "--journal", file) as server:
        taken = [server.send(new_event()).body["id"] for _ in range(3)]
        file.with_name("journal.db-wal").unlink()
        assert_unavailable(server.send(new_event()), "was removed or replaced. End this server")
        assert server.end() == 0
    with closing(SqliteJournal(file)) as journal:
        assert [journal.event(identity) is not None for identity in taken] == [True] * 3
        assert journal.position == 3


# How much room there is (MB), of what size (bytes) events are, whether another program takes the room or the events do,
# and how many events there is room for afterwards, at least.
FULL_DISKS = {
    "by events": (12, 100_000, False, 3),
    "a tiny one": (1, 20_000, False, 3),
    "a tiny one, by another program": (1, 20_000, True, 3),
    "while all is in the log": (12, 2_000_000, False, 3),
    "while all is in the log, by another program": (3, 400_000, True, 1),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.parametrize("name", FULL_DISKS)
def test_a_full_disk_can_be_freed_by_forgetting(name: str, tmp_path: Path) -> None:
    room, padding, by_another, fit = FULL_DISKS[name]

    def sent(server: Serving) -> Answer:
        return server.send(new_event(padding="x" * padding))

    with small_disk(tmp_path, room * 1024 * 1024) as disk:
        file = disk.folder / "journal.db"
        with serving(tmp_path, "--journal", file) as server:
            assert disk.fill is not None
            assert sent(server).status == 202
            if by_another:
                disk.fill()
            refused, until = 0, time.monotonic() + 60
            while refused < 3:
                assert time.monotonic() < until, "the disk never was full"
                status = sent(server).status
                refused = refused + 1 if status == 503 else 0
                time.sleep(0.2 if status == 503 else 0)
            if not by_another:
                disk.fill()
            assert_unavailable(sent(server), "full")
            kept = server.get("/events").body["events"][0]["id"]
            answer = HTTP.delete(f"{server.url}/api/mock/v1/exchanges")
            assert answer.status_code == 200, answer.text
            assert answer.json()["forgotten"] > 0
            assert server.get("/statistics").body["exchanges"] == 0
            after = [sent(server) for _ in range(fit)]
            assert [answer.status for answer in after] == [202] * fit
            assert server.end() == 0
        with closing(SqliteJournal(file)) as journal:
            assert journal.event(kept) is None
            assert [journal.event(answer.body["id"]) is not None for answer in after] == [True] * fit
            assert journal.count_events(EventFilter()) == fit
            assert journal.position > fit


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_what_was_killed_on_a_full_disk_can_be_begun_again_and_forgotten(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1024 * 1024) as disk:
        assert disk.fill is not None
        with serving(tmp_path, "--journal", disk.folder / "j.db") as server:
            assert server.send(new_event(padding="x" * 20_000)).status == 202
            disk.fill()
            os.kill(server.pid, signal.SIGKILL)
        with serving(tmp_path, "--journal", disk.folder / "j.db") as server:
            assert server.get("/statistics").body["accepted"] == 1
            assert HTTP.delete(f"{server.url}/api/mock/v1/exchanges").json() == {"forgotten": 1}
            assert server.send(new_event()).status == 202
            assert server.end() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_one_org_is_forgotten_on_a_full_disk_and_the_others_are_kept(tmp_path: Path) -> None:
    with small_disk(tmp_path, 3 * 1024 * 1024) as disk, serving(tmp_path, "--journal", disk.folder / "j.db") as server:
        assert disk.fill is not None

        def status(key: str) -> int:
            headers = {"Authorization": f"Bearer {key}"}
            event = new_event(padding="x" * 20_000)
            return HTTP.post(f"{server.url}/api/v1/lineage", json=event, headers=headers).status_code

        keys = (KEY, KEY[::-1])
        assert [status(key) for key in keys * 10] == [202] * 20
        disk.fill()
        accepted, until = 10, time.monotonic() + 60
        while status(KEY) == 202:
            assert time.monotonic() < until, "the disk never was full"
            accepted += 1
        org = org_of(KEY)
        answer = HTTP.delete(f"{server.url}/api/mock/v1/exchanges?org={org}")
        assert (answer.status_code, answer.json()) == (200, {"forgotten": accepted})
        assert {event["org"] for event in server.get("/events").body["events"]} == {org_of(KEY[::-1])}
        assert status(KEY) == 202
        assert server.get("/statistics").body["exchanges"] == 11
        assert server.end() == 0


def test_where_there_is_no_room_for_a_reserve_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=500_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    SqliteJournal(tmp_path / "journal.db").close()
    assert f"{tmp_path / 'journal.db'}: the disk has no room for a reserve beside it." in caplog.text
