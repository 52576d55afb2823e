"""The matrix of the documented paths: what was measured is shipped, and what is measured now is compared with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mock_intake.report.suite import ProducerReport, Verdict

SHIPPED = Path(__file__).parent / "matrix.json"

Cells = Mapping[str, Mapping[str, str]]
"""Verdicts by case and producer."""


class MatrixError(ValueError):
    """A matrix that cannot be read; the message says why."""


@dataclass(frozen=True)
class Matrix:
    """Verdicts by case and producer, and with what and when they were measured."""

    client: str
    measured: str
    cells: Cells

    def to_json(self) -> str:
        data = {"client": self.client, "measured": self.measured, "cells": self.cells}
        return json.dumps(data, indent=2) + "\n"

    def changes(self, now: Matrix) -> list[str]:
        """What is another verdict now, of the cells that were measured, each in a line.

        What was skipped then was not measured: a slow case that is asked for now is no change.
        """
        lines = []
        for case, row in now.cells.items():
            for producer, verdict in row.items():
                before = self.cells.get(case, {}).get(producer)
                if before != verdict and before != Verdict.SKIPPED:
                    lines.append(f"{case}, {producer}: {before or 'not there'} before, {verdict} now")
        return lines


def measured(reports: Sequence[ProducerReport]) -> Matrix:
    """The matrix of a run."""
    cells: dict[str, dict[str, str]] = {}
    for report in reports:
        for result in report.results:
            cells.setdefault(result.case.id, {})[report.name] = str(result.verdict)
    return Matrix(client_version(), date.today().isoformat(), cells)  # noqa: DTZ011 - the day where it was measured


def client_version() -> str:
    return f"openlineage-python {version('openlineage-python')}"


def read_matrix(file: Path = SHIPPED) -> Matrix:
    """Raises ``MatrixError``."""
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Matrix(data["client"], data["measured"], data["cells"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MatrixError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
