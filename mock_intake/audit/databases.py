"""Tables of databases, by JDBC: a column of events, in the order of another one."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from mock_intake.audit.errors import AuditError
from mock_intake.audit.sources import Form, Recording, event_column

SCHEME = "jdbc:"
# How many rows are fetched at a time: drivers take few, or all at once.
_FETCHED = "1000"


class Database(NamedTuple):
    """A table in a database: its JDBC URL, its name, and the column that its rows are ordered by.

    ``user`` and ``password`` are for databases that ask for them; a URL may have them too.
    """

    url: str
    table: str
    order: str
    user: str | None = None
    password: str | None = None

    def recording(self, now: int) -> Recording:
        """The table among files; ``now`` tells it from what it was at another time, which nobody can look up.

        The URL is written down nowhere: it may have a password.
        """
        return Recording(self.path, f"table {self.table}", 0, now, Form.DATABASE)

    @property
    def path(self) -> str:
        """What stands in place of a path."""
        return f"table:{self.table}"

    def read(self, spark: SparkSession, column: str) -> DataFrame:
        """The rows, as ``sources.lines_of`` has lines. Raises ``AuditError`` for a column that is not there."""
        given = {"url": self.url, "dbtable": self.table, "fetchsize": _FETCHED}
        account = {"user": self.user, "password": self.password}
        reader = spark.read.format("jdbc").options(**given)
        table = reader.options(**{name: value for name, value in account.items() if value is not None}).load()
        named = {name.lower(): name for name in table.columns}
        if self.order.lower() not in named:
            raise AuditError(f"--order: there is no column {self.order}; there are {', '.join(table.columns)}")
        event = event_column(table, named.get(column.lower(), column))
        # Partitions are in that order, and so are the rows in each. Counted from 1 in each: a blank row is one too.
        ordered = table.select(event.alias("value"), sql.col(f"`{named[self.order.lower()]}`").alias("place"))
        return ordered.orderBy("place").select(
            sql.lit(self.path).alias("path"),
            sql.spark_partition_id().cast("long").alias("start"),
            sql.coalesce("value", sql.lit(bytearray(b"null"))).alias("value"),
            sql.lit(None).cast("long").alias("line"),
        )
