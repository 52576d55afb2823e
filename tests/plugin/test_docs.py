"""The pages on the plugin are true: their tests pass, and everything that it has is in the reference."""

from __future__ import annotations

import re

import pytest

from mock_intake_pytest import IntakeHandle
from tests.conftest import REPOSITORY
from tests.plugin.running import Project
from tests.test_docs import PAGES, SNIPPET

# What the pages import as the user's own code.
MY_ETL = """
    import uuid
    from datetime import datetime, timezone

    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import job_type_job
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    BATCH = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")


    def emit(*states, job="load_orders", job_type=BATCH, inputs=(), outputs=(), url=None, api_key=None):
        transport = None
        if url:
            transport = HttpTransport(HttpConfig(url, auth=ApiKeyTokenProvider({"apiKey": api_key})))
        client = OpenLineageClient(transport=transport)
        run = Run(str(uuid.uuid4()))
        facets = {"jobType": job_type} if job_type else {}
        try:
            for state in states:
                client.emit(
                    RunEvent(
                        eventType=RunState(state), eventTime=datetime.now(timezone.utc).isoformat(), run=run,
                        job=Job("prod", job, facets=facets), producer="https://github.com/acme/etl",
                        inputs=[InputDataset("postgres://db:5432", name) for name in inputs],
                        outputs=[OutputDataset("postgres://db:5432", name) for name in outputs],
                    )
                )
        finally:
            client.close()


    def load(**where):
        emit("START", "COMPLETE", outputs=["shop.public.orders"], **where)


    def clean():
        inputs, outputs = ["shop.public.orders"], ["shop.public.orders_clean"]
        emit("START", "COMPLETE", job="clean_orders", inputs=inputs, outputs=outputs)


    if __name__ == "__main__":
        load()
"""


def _snippets() -> dict[str, str]:
    found = {
        f"test_{page.stem.replace('-', '_')}_{number}.py": code
        for page in PAGES
        for number, (kind, code) in enumerate(SNIPPET.findall(page.read_text()), 1)
        if kind == "pytest"
    }
    assert found, "no snippet of the kind pytest: the pattern no longer fits the pages"
    return found


def test_the_tests_on_the_pages_pass(project: Project) -> None:
    project.module("my_etl.py", MY_ETL)
    snippets = _snippets()
    for name, code in snippets.items():
        project.write(name, code)
    ran = project.run()
    tests = sum(len(re.findall(r"^(?:async )?def test_", code, re.MULTILINE)) for code in snippets.values())
    # One of them runs over three paths.
    assert ran.outcomes == {"passed": tests + 2}, ran.output


def test_the_failure_that_the_page_speaks_of_comes(project: Project) -> None:
    project.module("my_etl.py", MY_ETL.replace('{"jobType": job_type} if job_type else {}', "{}"))
    project.write("test_first.py", next(iter(_snippets().values())))
    assert "DD101 error, 2 times: the job has no jobType facet" in project.run().message


@pytest.mark.parametrize("name", [name for name in vars(IntakeHandle) if not name.startswith("_")])
def test_everything_that_the_handle_has_is_told_or_is_its_own(name: str) -> None:
    whole = (REPOSITORY / "docs/reference/pytest-plugin.md").read_text()
    page = whole.partition("## The handle")[2].partition("\n## ")[0]
    internal = {"level", "secure_server", "caught_up", "led", "hints", "close"}
    assert (f"### {name}\n" in page or f"`{name}`" in page) is (name not in internal)
