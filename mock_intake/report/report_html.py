"""The report on what was received as one page that opens from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_intake.model.findings import Severity
from mock_intake.report.lineage import LineageShown, shown_lineage
from mock_intake.report.model import Entry, Report
from mock_intake.report.renderers import groups_of, summary_line
from mock_intake.report.rendering import render

_MOST_ORGS = 50
# So many codes fit beside each other in the table of what was received.
_CODES_ABREAST = 3


def to_html(report: Report) -> str:
    """The page: findings by rule, the lineage where the report has it, and a line for each thing that was received."""
    lineage = report.lineage or ()
    orgs: list[LineageShown] = [shown_lineage(one) for one in lineage[:_MOST_ORGS]]
    values: Mapping[str, Any] = {
        "report": report,
        "summary": summary_line(report),
        "groups": groups_of(report).at_or_above(Severity.INFO),
        "codes": _codes,
        "orgs": orgs,
        "orgs_left": len(lineage) - len(orgs),
    }
    return render("report.html", values)


def _codes(entry: Entry) -> list[str]:
    """The codes of what was found, each once, as lines."""
    codes = sorted({finding.code for finding in entry.findings})
    return [" ".join(codes[at : at + _CODES_ABREAST]) for at in range(0, len(codes), _CODES_ABREAST)]
