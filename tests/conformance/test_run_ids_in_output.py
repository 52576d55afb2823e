"""Lines of a job's output that name its run, as logs are correlated with runs: counted from what was printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mock_intake.report.suite import Verdict
from mock_intake_conformance.process import Outcome
from mock_intake_conformance.scenarios import HEALTHY
from tests.conformance.test_cases import ALL_WELL, BEGAN, exchange, judged, observation
from tests.events import job_event, run_event

RUN = run_event()["run"]["runId"]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            f'{{"message": "loaded", "openlineage": {{"run_id": "{RUN}"}}}}\n{{"message": "done"}}',
            "1 line of output with",
        ),
        (f'{{"message": "loaded", "openlineage.run_id": "{RUN.upper()}"}}', "1 line of output with openlineage.run_id"),
        (f"run {RUN} began\nrun {RUN} ended", "2 lines of output with a run id, none under the attribute"),
        ("loaded\ndone", "none of 2 lines of output names a run"),
        (f'{{"openlineage": "{RUN}"}}\n{{not JSON {RUN}', "2 lines of output with a run id, none under"),
        ("", "none of 0 lines"),
    ],
)
def test_lines_that_name_their_run_are_counted(output: str, message: str) -> None:
    for stream in ("stdout", "stderr"):
        outcome = Outcome(BEGAN, 0, 1.0, **{stream: output})  # type: ignore[arg-type]
        judgement = judged("logs/run-id", replace(ALL_WELL, outcome=outcome))
        assert judgement.verdict is Verdict.OBSERVED
        assert judgement.message.startswith(message)


def test_without_a_run_there_is_nothing_that_a_line_could_name() -> None:
    assert judged("logs/run-id", observation(HEALTHY, [exchange(event=job_event())])).message.startswith("no run")
