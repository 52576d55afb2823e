"""The three jobs: load orders, clean them, add them up per day."""

import csv
import sqlite3
import sys
from pathlib import Path

from lineage import job, reads, writes


def load(database: sqlite3.Connection, file: Path) -> None:
    with job("load_orders", outputs=[writes("orders_raw", id="text", day="text", amount="text")]):
        with file.open(newline="") as lines:
            rows = [(row["id"], row["day"], row["amount"]) for row in csv.DictReader(lines)]
        database.execute("CREATE TABLE orders_raw (id TEXT, day TEXT, amount TEXT)")
        database.executemany("INSERT INTO orders_raw VALUES (?, ?, ?)", rows)


def clean(database: sqlite3.Connection) -> None:
    with job(
        "clean_orders",
        inputs=[reads("orders_raw")],
        outputs=[writes("orders", id="integer", day="date", amount="numeric")],
    ):
        (wrong,) = database.execute("SELECT count(*) FROM orders_raw WHERE amount = ''").fetchone()
        if wrong:
            raise ValueError(f"{wrong} orders without an amount")
        database.execute(
            "CREATE TABLE orders AS SELECT CAST(id AS INTEGER) id, day, CAST(amount AS REAL) amount FROM orders_raw"
        )


def add_up(database: sqlite3.Connection) -> None:
    with job("daily_revenue", inputs=[reads("orders")], outputs=[writes("revenue", day="date", amount="numeric")]):
        database.execute("CREATE TABLE revenue AS SELECT day, sum(amount) amount FROM orders GROUP BY day")


def main(file: str) -> None:
    with sqlite3.connect(":memory:") as database:
        load(database, Path(file))
        clean(database)
        add_up(database)


if __name__ == "__main__":
    main(sys.argv[1])
