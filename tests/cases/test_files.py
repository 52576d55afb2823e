"""Each file of the table is judged rightly, and each file stands in the table."""

from __future__ import annotations

import pytest

from mock_intake.model.findings import Severity
from tests.cases.judged import FILES, codes, found_in_file, texts
from tests.cases.table import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file} ({case.kind})")
def test_a_file_is_judged_rightly(case: Case) -> None:
    findings = found_in_file(case.file)
    for code, severity, subject, words in case.expected:
        fitting = [
            finding
            for finding in findings
            if (finding.code, finding.severity, finding.subject) == (code, severity, subject)
        ]
        assert fitting, f"{code} {severity} {subject}"
        told = "\n".join(text for finding in fitting for text in texts(finding))
        assert [word for word in words if word not in told] == []
    meant = {expected.code for expected in case.expected if expected.severity is not Severity.INFO}
    assert codes(findings) == meant


def test_every_file_stands_in_the_table_once() -> None:
    assert sorted(case.file for case in CASES) == sorted(file.name for file in FILES.iterdir())
