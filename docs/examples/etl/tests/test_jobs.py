"""What the jobs tell OpenLineage, as Datadog would get it. Whatever would not do there fails a test by itself."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jobs
import pytest

from mock_intake_pytest import ABSENT, ANY, IntakeHandle

pytestmark = pytest.mark.usefixtures("intake_env")


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(":memory:")
    yield database
    database.close()


def test_every_job_starts_and_completes(intake: IntakeHandle, database: sqlite3.Connection, orders: Path) -> None:
    jobs.load(database, orders)
    jobs.clean(database)
    jobs.add_up(database)
    assert [run.job.name for run in intake.runs()] == ["load_orders", "clean_orders", "daily_revenue"]
    assert all(run.states == ["START", "COMPLETE"] for run in intake.runs())


def test_the_tables_hang_together(intake: IntakeHandle, database: sqlite3.Connection, orders: Path) -> None:
    jobs.load(database, orders)
    jobs.clean(database)
    jobs.add_up(database)
    flow = [(edge.source.name, edge.target.name) for edge in intake.lineage.edges]
    assert flow == [
        ("load_orders", "shop.public.orders_raw"),
        ("shop.public.orders_raw", "clean_orders"),
        ("clean_orders", "shop.public.orders"),
        ("shop.public.orders", "daily_revenue"),
        ("daily_revenue", "shop.public.revenue"),
    ]


def test_a_job_that_fails_says_why(intake: IntakeHandle, database: sqlite3.Connection, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("id,day,amount\n1,2026-01-30,\n")
    jobs.load(database, file)
    with pytest.raises(ValueError, match="without an amount"):
        jobs.clean(database)
    run = intake.run(job="clean_orders")
    assert run.state == "FAIL"
    assert run.error is not None
    assert run.error.message == "1 orders without an amount"


def test_columns_are_told(intake: IntakeHandle, database: sqlite3.Connection, orders: Path) -> None:
    jobs.load(database, orders)
    intake.assert_event(
        {
            "eventType": "COMPLETE",
            "run": {"runId": ANY, "facets": {"errorMessage": ABSENT}},
            "outputs": [
                {"name": "shop.public.orders_raw", "facets": {"schema": {"fields": [{"name": "id"}, ANY, ANY]}}}
            ],
        }
    )


def test_an_outage_of_the_intake_is_survived(intake: IntakeHandle, database: sqlite3.Connection, orders: Path) -> None:
    intake.set_faults("503,reset")
    jobs.load(database, orders)
    assert [event.attempts for event in intake.events()] == [3, 1]


@pytest.mark.intake(paths=["http", "datadog", "agent", "intercept"])
def test_the_program_as_it_runs_in_production(intake: IntakeHandle, orders: Path) -> None:
    subprocess.run([sys.executable, jobs.__file__, str(orders)], check=True)
    assert len(intake.events()) == 6


def test_events_look_as_they_did(intake: IntakeHandle, database: sqlite3.Connection, orders: Path) -> None:
    jobs.load(database, orders)
    intake.assert_snapshot()
