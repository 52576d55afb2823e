"""What was measured of the clients, as it is shipped: rows by version, situation and client."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

SHIPPED = Path(__file__).parent / "measured.json"


@dataclass(frozen=True)
class Row:
    """What one client did in one situation.

    ``attempts`` counts requests, those to another origin included; ``waits`` are the seconds from each one's arrival to
    the next one's. ``caller`` is what its caller gets to know, ``events`` how many it emitted, ``delivered`` how many
    of them the intake has, ``accepted`` how many requests it took. ``notes`` say what else was seen.
    """

    attempts: int
    waits: tuple[float, ...]
    caller: str
    events: int
    delivered: int
    accepted: int
    notes: tuple[str, ...] = ()

    @property
    def reports_an_error(self) -> bool:
        """Whether the caller hears of one: by an exception, by an exit code, or as it waits still."""
        return self.caller.startswith(("raises", "still")) or (
            self.caller.startswith("exit") and self.caller != "exit 0"
        )

    def without_waits(self) -> Row:
        """What is the same each time."""
        return replace(self, waits=())


Rows = Mapping[tuple[str, str], Row]


@dataclass(frozen=True)
class Facts:
    """Rows of each version of the client, the newest first; when they were measured, and with what beside."""

    measured: str
    tools: Mapping[str, str]
    versions: Mapping[str, Rows]

    @property
    def newest(self) -> str:
        return next(iter(self.versions))

    @property
    def rows(self) -> Rows:
        """Those of the newest version, and of curl."""
        return self.versions[self.newest]

    def to_json(self) -> str:
        versions = {
            version: [
                {"situation": situation, "client": client, **asdict(row)} for (situation, client), row in rows.items()
            ]
            for version, rows in self.versions.items()
        }
        data = {"measured": self.measured, "tools": self.tools, "versions": versions}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def read_facts(file: Path = SHIPPED) -> Facts:
    """Raises ``OSError``, ``ValueError``, ``KeyError``."""
    data = json.loads(file.read_text(encoding="utf-8"))
    return Facts(data["measured"], data["tools"], {name: _rows(rows) for name, rows in data["versions"].items()})


def _rows(listed: Sequence[Mapping[str, Any]]) -> Rows:
    found = {}
    for one in listed:
        fields = {name: value for name, value in one.items() if name not in ("situation", "client")}
        row = Row(**{**fields, "waits": tuple(fields["waits"]), "notes": tuple(fields["notes"])})
        found[one["situation"], one["client"]] = row
    return found


def steadied(times: Sequence[Rows]) -> Rows:
    """Several measurements as one: the median of every wait. Raises ``ValueError`` where the clients did not agree."""
    rows = {}
    for cell, row in times[0].items():
        same = [measured[cell] for measured in times]
        if len({other.without_waits() for other in same}) > 1:
            raise ValueError(f"{cell}: not the same every time: {same}")
        rows[cell] = replace(row, waits=tuple(median(waits) for waits in zip(*(o.waits for o in same), strict=True)))
    return rows
