"""Tells OpenLineage about a job's run: START when it begins, COMPLETE or FAIL when it ends."""

import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, job_type_job, schema_dataset

PRODUCER = "https://example.com/small-etl"
NAMESPACE = "small-etl"
JOB_TYPE = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB", producer=PRODUCER)
# Where the tables are; in production this is the warehouse.
DATABASE = "postgres://warehouse.example.com:5432"


def schema(**columns: str) -> schema_dataset.SchemaDatasetFacet:
    fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type=type_) for name, type_ in columns.items()]
    return schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)


def reads(table: str) -> InputDataset:
    return InputDataset(DATABASE, f"shop.public.{table}")


def writes(table: str, **columns: str) -> OutputDataset:
    return OutputDataset(DATABASE, f"shop.public.{table}", facets={"schema": schema(**columns)})


@contextmanager
def job(name: str, inputs: Sequence[InputDataset] = (), outputs: Sequence[OutputDataset] = ()) -> Iterator[None]:
    """One run of a job; whatever its body raises makes the run FAIL, and goes on."""
    client = OpenLineageClient()
    run_id = str(uuid.uuid4())
    of = Job(NAMESPACE, name, facets={"jobType": JOB_TYPE})

    def tell(state: RunState, **facets: error_message_run.ErrorMessageRunFacet) -> None:
        client.emit(
            RunEvent(
                eventType=state,
                eventTime=datetime.now(UTC).isoformat(),
                run=Run(run_id, facets=facets),
                job=of,
                producer=PRODUCER,
                inputs=list(inputs),
                outputs=list(outputs),
            )
        )

    try:
        tell(RunState.START)
        yield
    except Exception as error:
        facet = error_message_run.ErrorMessageRunFacet(str(error), "python", traceback.format_exc(), producer=PRODUCER)
        tell(RunState.FAIL, errorMessage=facet)
        raise
    else:
        tell(RunState.COMPLETE)
    finally:
        client.close()
