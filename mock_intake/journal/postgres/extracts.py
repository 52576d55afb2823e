"""What views have taken of exchanges, in the database: a row for each block, which goes with the first of them."""

from __future__ import annotations

from mock_intake.journal.postgres.connections import Connection, Connections
from mock_intake.journal.protocol import EXTRACTS_IN_BLOCK


class ExtractTable:
    """An ``ExtractStore``: see there."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def load(self, number: int, form: str) -> bytes | None:
        def ask(connection: Connection) -> bytes | None:
            sql = "SELECT content FROM extracts WHERE number = $1::bigint AND form = $2::text"
            found = connection.ask(sql, (number, form), prepare=True).fetchone()
            return None if found is None else bytes(found[0])

        return self._connections.tried_again(ask)

    def keep(self, number: int, form: str, content: bytes, count: int, generation: int) -> None:
        begin, end = number * EXTRACTS_IN_BLOCK, (number + 1) * EXTRACTS_IN_BLOCK
        with self._connections.use() as connection, connection.transaction():
            # What takes exchanges away waits for this, and is waited for; what appends does neither. In a statement of
            # its own, so that the next one sees what is there then.
            connection.ask("SELECT FROM state FOR KEY SHARE")
            connection.ask(
                "INSERT INTO extracts (number, form, content) SELECT $1::bigint, $2::text, $3::bytea FROM state "
                "WHERE generation = $4::bigint AND position >= $5::bigint AND "
                "(SELECT count(*) FROM exchanges WHERE position > $6::bigint AND position <= $5::bigint) = $7::bigint "
                "ON CONFLICT (number) DO UPDATE SET form = EXCLUDED.form, content = EXCLUDED.content",
                (number, form, content, generation, end, begin, count),
            )
