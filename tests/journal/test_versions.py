"""Files and lines of earlier versions: read as they are, carried over whole or not at all, and never taken for others.

``data/version-N.*`` were made by the mock-intake that wrote version N (``data/make.py``). What a later version does is
tried with one that is made up (``later.py``): what is added there must not be named anywhere else.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mock_intake import IntakeServer
from mock_intake.files.exports import Lines, TransferError, exchange_from_line, exchange_to_line
from mock_intake.journal import EventFilter, ExchangeFilter, JournalError, walk
from mock_intake.journal.columns import columns_of
from mock_intake.journal.layout import ADDED as TODAY
from mock_intake.journal.layout import FIRST_VERSION, LAYOUT, VERSION, Layout
from mock_intake.journal.migration import copy_of
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.exchange import Exchange
from tests.commands import clean_environment, mock_intake
from tests.conftest import REPOSITORY
from tests.control.content import HTTP, api
from tests.forking import Started
from tests.journal.exchanges import plain
from tests.journal.later import ADDED, LATER, LaterExchange, WithHeavy, later

DATA = Path(__file__).parent / "data"
VERSIONS = range(FIRST_VERSION, VERSION + 1)
EVERYTHING = 1_000


@pytest.fixture(params=VERSIONS)
def made(request: pytest.FixtureRequest) -> Path:
    """A journal, as each known version has made it."""
    return DATA / f"version-{request.param}.db"


@pytest.fixture
def file(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "journal.db"))


def lines_of(made: Path) -> list[bytes]:
    return made.with_suffix(".jsonl").read_bytes().splitlines()


def schema_of(file: Path) -> dict[str, str]:
    """The tables, indexes and triggers of a database by name, as they were made."""
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(sql.split()) for name, sql in found}


def columns(file: Path) -> dict[str, tuple[str, int]]:
    """The columns of exchanges with type and whether they must be there."""
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT name, type, \"notnull\" FROM pragma_table_info('exchanges')")
        return {name: (kind, must) for name, kind, must in found}


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return version


def content(file: Path) -> list[str]:
    """All that is in a database, in SQL."""
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def whole(journal: SqliteJournal) -> list[Exchange]:
    return [exchange for _, exchange in walk(journal)]


# What earlier versions made.


def test_a_new_file_is_as_this_version_has_made_it(tmp_path: Path) -> None:
    """If this fails, tables have changed: raise ``VERSION``, say how (``layout``), and make its data."""
    SqliteJournal(tmp_path / "new.db").close()
    assert schema_of(tmp_path / "new.db") == schema_of(DATA / f"version-{VERSION}.db")


@pytest.mark.parametrize("read_only", [True, False], ids=["read", "written to"])
def test_the_api_tells_of_a_file_what_its_own_version_told(made: Path, file: Path, *, read_only: bool) -> None:
    journal = SqliteJournal(file, read_only=read_only)
    with IntakeServer(journal=journal) as server:
        for path, told in json.loads(made.with_suffix(".json").read_text(encoding="utf-8")).items():
            answered = HTTP.get(api(server, path)).json()
            # To the order of fields.
            assert json.dumps(answered) == json.dumps(told), path
        exported = HTTP.get(api(server, "/export?what=exchanges")).content
    journal.close()
    assert exported == made.with_suffix(".jsonl").read_bytes()


def test_a_file_is_exported_as_it_is(made: Path, file: Path) -> None:
    done = mock_intake("export", "--what", "exchanges", file)
    assert done.stdout.encode() == made.with_suffix(".jsonl").read_bytes()
    assert file.read_bytes() == made.read_bytes()


def test_lines_are_imported_and_exported_as_they_were(made: Path) -> None:
    for line in lines_of(made):
        assert exchange_to_line(exchange_from_line(line)) == line


def test_a_file_is_written_to_after_it_was_carried_over(file: Path) -> None:
    with closing(SqliteJournal(file, read_only=True)) as journal:
        before = whole(journal)
    with closing(SqliteJournal(file)) as journal:
        assert whole(journal) == before
        position = journal.position
        journal.append([plain("new")])
        assert journal.position == position + 1
    assert version_of(file) == VERSION
    assert not list(file.parent.glob("*-version-*"))


# What a later version does with a file of today's.


@pytest.fixture
def today(tmp_path: Path) -> Path:
    return Path(shutil.copy(DATA / f"version-{VERSION}.db", tmp_path / "journal.db"))


@pytest.fixture
def kept(today: Path) -> list[Exchange]:
    with closing(SqliteJournal(today, read_only=True)) as journal:
        return whole(journal)


def assert_tells(journal: SqliteJournal, kept: list[Exchange]) -> None:
    """That a journal has these exchanges, by every way there is."""
    wanted = [later(exchange) for exchange in kept]
    assert whole(journal) == wanted
    assert journal.exchanges(ExchangeFilter(), EVERYTHING).items == wanted[::-1]
    assert [journal.exchange(exchange.id) for exchange in wanted] == wanted
    records = journal.events(EventFilter(), EVERYTHING).items
    assert len(records) == journal.count_events(EventFilter()) > 5
    for record in records:
        exchange = journal.exchange(record.exchange_id)
        assert exchange is not None
        assert (record.summary, record.findings) == (exchange.event, exchange.findings)
        assert journal.event(record.summary.id) == record


def test_a_later_version_reads_a_file_as_it_is(today: Path, kept: list[Exchange]) -> None:
    before = today.read_bytes()
    journal = SqliteJournal(today, read_only=True, layout=LATER)
    assert_tells(journal, kept)
    journal.close()
    assert today.read_bytes() == before


def test_a_later_version_carries_a_file_over(today: Path, kept: list[Exchange]) -> None:
    beside = SqliteJournal(today, read_only=True, layout=LATER)
    statistics, orgs, position = beside.statistics(), beside.orgs(), beside.position
    dropped = beside.dropped
    journal = SqliteJournal(today, layout=LATER)
    for each in (journal, beside):
        assert_tells(each, kept)
        assert (each.statistics(), each.orgs(), each.position, each.dropped) == (statistics, orgs, position, dropped)
    new = later(plain("new"))
    assert new.event is not None
    new = replace(
        new,
        request=replace(new.request, http_version="2"),
        event=replace(new.event, nominal_time="noon"),
        notes=("a", "b"),
        looks=7,
        hidden=False,
    )
    journal.append([new])
    # Who was reading already has seen that the file is another one.
    for each in (journal, beside):
        assert each.exchange(new.id) == new
        assert each.events(EventFilter(), 1).items[0].summary == new.event
    beside.close()
    journal.close()
    assert version_of(today) == LATER.version
    assert "index exchanges_looks" in schema_of(today)
    assert [path.name for path in today.parent.iterdir() if "version" in path.name] == []
    again = SqliteJournal(today, layout=LATER)
    assert whole(again)[-1] == new
    again.close()


def test_a_file_that_was_carried_over_has_what_a_new_one_has(today: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    layout = Layout(LaterExchange, VERSION + 2, ADDED)
    for file in (today, new):
        SqliteJournal(file, layout=layout).close()
    assert columns(today) == columns(new)
    assert version_of(today) == version_of(new) == VERSION + 2
    carried, made = schema_of(today), schema_of(new)
    assert carried.pop("table exchanges") != made.pop("table exchanges")  # the order of columns
    assert carried == made


def test_steps_are_taken_from_the_version_that_a_file_has(today: Path, kept: list[Exchange]) -> None:
    """One after the other, as by somebody who has every version in turn."""

    class Between(Exchange, frozen=True, gc=False):
        looks: int = 3

    between = Layout(Between, VERSION + 1, {**TODAY, VERSION + 1: ("looks",)})

    class After(Between, frozen=True, gc=False):
        hidden: bool = True

    after = Layout(After, VERSION + 2, {**TODAY, VERSION + 1: ("looks",), VERSION + 2: ("hidden",)})
    journal = SqliteJournal(today, layout=between)
    journal.append([Between(**{name: getattr(kept[0], name) for name in Exchange.__struct_fields__} | {
        "request": replace(kept[0].request, id="between"), "looks": 9,
    })])  # fmt: skip
    journal.close()
    assert version_of(today) == VERSION + 1
    journal = SqliteJournal(today, layout=after)
    read = [(exchange.looks, exchange.hidden) for exchange in whole(journal)]  # type: ignore[attr-defined]
    journal.close()
    assert read == [(3, True)] * len(kept) + [(9, True)]


def test_today_refuses_what_a_later_version_has_carried_over(today: Path) -> None:
    SqliteJournal(today, layout=LATER).close()
    before = content(today)
    for read_only in (True, False):
        with pytest.raises(JournalError, match=rf"a later mock-intake \(journal version {VERSION + 2}; this one knows"):
            SqliteJournal(today, read_only=read_only)
    assert content(today) == before


def test_a_version_that_is_not_known_any_more_is_refused_by_a_later_one_too(today: Path) -> None:
    with closing(sqlite3.connect(today)) as connection:
        connection.execute(f"PRAGMA user_version = {FIRST_VERSION - 1}")
    for read_only in (True, False):
        with pytest.raises(JournalError, match=rf"an earlier mock-intake .* knows {FIRST_VERSION} to {LATER.version}"):
            SqliteJournal(today, read_only=read_only, layout=LATER)


# What goes wrong on the way.


def refused(file: Path, *steps: str) -> str:
    """Why a file cannot be carried over with these steps."""
    layout = Layout(LaterExchange, VERSION + 2, ADDED, {VERSION + 2: steps})
    with pytest.raises(JournalError) as caught:
        SqliteJournal(file, layout=layout)
    return str(caught.value)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("UPDATE no_such_table SET a = 1", "no such table: no_such_table"),
        ("UPDATE exchanges SET notes = 'no JSON'", "Expecting value"),
        ("UPDATE exchanges SET status = 'fine' WHERE status IS NOT NULL", "'fine' is not a valid Status"),
    ],
)
def test_steps_that_lead_nowhere_leave_the_file_as_it_was(
    today: Path, kept: list[Exchange], step: str, why: str
) -> None:
    before = content(today)
    said = refused(today, step)
    assert said.startswith(f"{today} was written by an earlier mock-intake (journal version {VERSION}) and cannot be")
    assert why in said
    assert said.endswith("It is as it was.")
    assert content(today) == before
    assert not copy_of(today, VERSION).exists()
    with closing(SqliteJournal(today)) as journal:
        assert whole(journal) == kept


def test_without_room_for_a_copy_nothing_is_changed(today: Path) -> None:
    """In the copy's place something stands that cannot be written over."""
    before = content(today)
    copy_of(today, VERSION).mkdir()
    assert "cannot be carried over" in refused(today)
    assert content(today) == before


def test_what_was_left_of_an_attempt_is_replaced_and_goes(today: Path, kept: list[Exchange]) -> None:
    copy_of(today, VERSION).write_bytes(b"half of a copy")
    with closing(SqliteJournal(today, layout=LATER)) as journal:
        assert_tells(journal, kept)
    assert not copy_of(today, VERSION).exists()


def test_a_copy_that_was_left_goes_when_the_file_has_been_opened(today: Path) -> None:
    """The process was ended between the two."""
    SqliteJournal(today, layout=LATER).close()
    shutil.copy(DATA / f"version-{VERSION}.db", copy_of(today, VERSION))
    SqliteJournal(today, read_only=True, layout=LATER).close()
    assert copy_of(today, VERSION).exists()
    SqliteJournal(today, layout=LATER).close()
    assert not copy_of(today, VERSION).exists()


FOR_EVER = "CREATE TABLE many AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
CARRIER = f"""
import sys
from pathlib import Path
from mock_intake.journal.layout import Layout
from mock_intake.journal.sqlite import SqliteJournal
from tests.journal.later import ADDED, LaterExchange, VERSION

SqliteJournal(Path(sys.argv[1]), layout=Layout(LaterExchange, VERSION + 2, ADDED, {{VERSION + 2: ({FOR_EVER!r},)}}))
"""


@pytest.fixture
def carrier(today: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries a file over, and is never done."""
    command = [sys.executable, "-c", CARRIER, str(today)]
    root = Path(__file__).parents[2]
    with Started(command, env=clean_environment(), cwd=root, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_is_killed_on_the_way_leaves_file_and_copy_whole(
    today: Path, kept: list[Exchange], carrier: subprocess.Popen[bytes]
) -> None:
    log = today.with_name(today.name + "-wal")
    until = time.monotonic() + 60
    # SQLite writes to the log before the end where the change is large, so it is under way.
    while not (log.exists() and log.stat().st_size > 1_000_000):
        assert carrier.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    assert (copy_of(today, VERSION).stat().st_mode & 0o777) == 0o600
    # Readers of both versions read on, meanwhile and afterwards.
    for _ in range(2):
        for layout, wanted in ((LAYOUT, kept), (LATER, [later(exchange) for exchange in kept])):
            with closing(SqliteJournal(today, read_only=True, layout=layout)) as journal:
                assert whole(journal) == wanted
        carrier.kill()
        carrier.wait(30)
    with closing(SqliteJournal(copy_of(today, VERSION), read_only=True)) as journal:
        assert whole(journal) == kept
    with closing(SqliteJournal(today, layout=LATER)) as journal:
        assert_tells(journal, kept)
    assert not copy_of(today, VERSION).exists()


# What is added to the definition, and where else it must stand: nowhere.


def test_what_is_kept_is_what_is_defined() -> None:
    names = set(columns_of(LaterExchange)) - set(columns_of(Exchange))
    assert names == {"http_version", "nominal_time", "notes", "looks", "hidden"}
    assert {column.name for column in LATER.columns} == set(columns_of(LaterExchange))
    assert set(Lines(LATER).schema["properties"]) == {"format", *columns_of(LaterExchange)}


def test_lines_of_earlier_versions_are_imported_by_a_later_one() -> None:
    lines = Lines(LATER)
    for line in lines_of(DATA / f"version-{VERSION}.db"):
        exchange = lines.to_exchange(line)
        assert exchange == later(exchange_from_line(line))
        assert lines.to_exchange(lines.from_exchange(exchange)) == exchange
        with pytest.raises(TransferError, match="damaged"):
            exchange_from_line(lines.from_exchange(exchange))


@pytest.mark.parametrize(("name", "value"), [("http_version", 2), ("notes", "a"), ("looks", -1), ("hidden", None)])
def test_what_was_added_is_checked_on_import(name: str, value: Any) -> None:
    lines = Lines(LATER)
    line = json.loads(lines.from_exchange(later(plain("a"))))
    assert lines.to_exchange(json.dumps(line).encode())
    with pytest.raises(TransferError, match=f"damaged exchange: {name}: "):
        lines.to_exchange(json.dumps({**line, name: value}).encode())


def test_a_field_that_no_version_has_added_is_told() -> None:
    class Forgotten(Exchange, frozen=True, gc=False):
        weight: int = 0

    with pytest.raises(TypeError, match=r"not those of version .* see mock_intake\.journal\.layout .*weight"):
        Layout(Forgotten)
    for version, added in (
        (VERSION + 1, {**TODAY, VERSION + 1: ("weight", "height")}),
        (VERSION + 1, {**TODAY, VERSION + 1: ("weight", "org")}),
        (VERSION, {**TODAY, VERSION + 1: ("weight",)}),
    ):
        with pytest.raises(TypeError, match="not those of version"):
            Layout(Forgotten, version, added)


def test_a_field_that_was_added_needs_a_default() -> None:
    with pytest.raises(TypeError, match=r"request\.weight was added to what is kept, so it needs a default"):
        Layout(WithHeavy, VERSION + 1, {**TODAY, VERSION + 1: ("weight",)})


def test_the_page_of_the_journal_says_which_version_is_written() -> None:
    page = (REPOSITORY / "docs" / "explanation" / "journal.md").read_text(encoding="utf-8")
    assert f"this mock-intake writes {VERSION})" in page
    assert f"`{copy_of(Path('FILE'), VERSION - 1).name}`" in page
