"""openlineage-python, by each of its transports that leads to an intake."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import ANSWERS, Cure, RealProducer

JOB = """\
# Nightly job: joins orders with customers, writes daily revenue, and tells lineage of it.
import sys
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, job_type_job, schema_dataset
from openlineage.client.uuid import generate_new_uuid

SHOP = "postgres://shop.example:5432"
PRODUCER = "https://github.com/acme/shop"


def schema(*names):
    fields = [schema_dataset.SchemaDatasetFacetFields(name, "text") for name in names]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields)}


client = OpenLineageClient()
run_id = str(generate_new_uuid())
job_type = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
inputs = [
    InputDataset(SHOP, "shop.public.orders", facets=schema("id", "customer_id", "amount")),
    InputDataset(SHOP, "shop.public.customers", facets=schema("id", "name")),
]
outputs = [OutputDataset(SHOP, "shop.public.daily_revenue", facets=schema("day", "revenue"))]


def emit(state, **facets):
    run, job = Run(run_id, facets), Job("shop", "daily_revenue", {"jobType": job_type})
    now = datetime.now(timezone.utc).isoformat()
    said = {"eventType": state, "eventTime": now, "producer": PRODUCER}
    event = RunEvent(run=run, job=job, inputs=inputs, outputs=outputs, **said)
    client.emit(event)


emit(RunState.START)
try:
    if "--fail" in sys.argv:
        raise ValueError("no customers")
    emit(RunState.COMPLETE)
except ValueError as error:
    emit(RunState.FAIL, errorMessage=error_message_run.ErrorMessageRunFacet(str(error), "python"))
    sys.exit(3)
finally:
    client.close()
"""
_PINS = Venv(("openlineage-python==1.54.0",))
_FILES = {"job.py": JOB}
_RUN, _FAIL = ("python", "job.py"), ("python", "job.py", "--fail")
_CAREFUL = JOB.replace(
    "    client.emit(event)\n",
    "    try:\n"
    "        client.emit(event)\n"
    "    except Exception as error:\n"
    '        print(f"lineage: {state.name} was lost: {type(error).__name__}", file=sys.stderr)\n',
)
_CATCH = Cure(
    "Catch what emit() raises, and log it: try: client.emit(event) except Exception: log.exception(...).",
    ("resilience/refusing-intake", "resilience/job-survives-answers"),
    files={"job.py": _CAREFUL},
    scenarios=ANSWERS,
)
_RETRY = '{"total": 5, "connect": 5, "read": 5, "backoff_factor": 0.3, "status_forcelist": [429, 500, 502, 503, 504]}'
_TOO_MANY = Cure(
    "Have the transport send again on 429: OPENLINEAGE__TRANSPORT__RETRY with 429 in status_forcelist.",
    ("resilience/429-retry-after",),
    environment={"OPENLINEAGE__TRANSPORT__RETRY": _RETRY},
    leads={"OPENLINEAGE__TRANSPORT__RETRY": _RETRY},
    scenarios=frozenset({"healthy", "429-once", "500-once", "503-once"}),
)

PRODUCERS = (
    RealProducer(
        "python-datadog",
        "openlineage-python, Datadog transport",
        _PINS,
        _FILES,
        _RUN,
        _FAIL,
        share="openlineage-python",
        how="Variables alone; nothing in the job's code.",
        jobs=4,
        cures=(_CATCH,),
    ),
    RealProducer(
        "python-datadog-async",
        "openlineage-python, Datadog transport, asynchronous route",
        _PINS,
        _FILES,
        _RUN,
        _FAIL,
        path="async",
        share="openlineage-python",
        how="Variables alone; which jobs go by it, async_transport_rules say.",
        jobs=4,
        cures=(_TOO_MANY,),
    ),
    RealProducer(
        "python-http",
        "openlineage-python, HTTP transport",
        _PINS,
        _FILES,
        _RUN,
        _FAIL,
        path="http",
        share="openlineage-python",
        how="Variables alone; nothing in the job's code.",
        jobs=4,
        cures=(_CATCH,),
    ),
    RealProducer(
        "python-async-http",
        "openlineage-python, async_http transport",
        _PINS,
        _FILES,
        _RUN,
        _FAIL,
        path="custom",
        leads={
            "OPENLINEAGE__TRANSPORT__TYPE": "async_http",
            "OPENLINEAGE__TRANSPORT__URL": "{url}",
            "OPENLINEAGE__TRANSPORT__ENDPOINT": "api/v1/lineage",
            "OPENLINEAGE__TRANSPORT__AUTH": '{"type": "api_key", "apiKey": "{key}"}',
        },
        share="openlineage-python",
        how="The transport async_http, by variables (it is one of its own since 1.46).",
        jobs=4,
        cures=(_TOO_MANY,),
    ),
    RealProducer(
        "python-composite",
        "openlineage-python, composite transport",
        _PINS,
        _FILES,
        _RUN,
        _FAIL,
        path="custom",
        leads={
            "OPENLINEAGE__TRANSPORT__TYPE": "composite",
            "OPENLINEAGE__TRANSPORT__CONTINUE_ON_FAILURE": "true",
            "OPENLINEAGE__TRANSPORT__TRANSPORTS__DATADOG__TYPE": "datadog",
            "OPENLINEAGE__TRANSPORT__TRANSPORTS__DATADOG__SITE": "{url}",
            "OPENLINEAGE__TRANSPORT__TRANSPORTS__DATADOG__APIKEY": "{key}",
            "OPENLINEAGE__TRANSPORT__TRANSPORTS__ARCHIVE__TYPE": "file",
            "OPENLINEAGE__TRANSPORT__TRANSPORTS__ARCHIVE__LOG_FILE_PATH": "events",
            "OPENLINEAGE__TRANSPORT__TRANSPORTS__ARCHIVE__APPEND": "true",
        },
        share="openlineage-python",
        how="A composite of the Datadog transport and a file, as Datadog's Airflow page has it for two receivers.",
        jobs=4,
    ),
    RealProducer(
        "python-transform",
        "openlineage-python, transform transport around the Datadog transport",
        _PINS,
        _FILES,
        _RUN,
        _FAIL,
        path="custom",
        leads={
            "OPENLINEAGE__TRANSPORT__TYPE": "transform",
            "OPENLINEAGE__TRANSPORT__TRANSFORMER_CLASS": "openlineage.client.transport.transform.transformers."
            "job_namespace_replace_transformer.JobNamespaceReplaceTransformer",
            "OPENLINEAGE__TRANSPORT__TRANSFORMER_PROPERTIES": '{"new_job_namespace": "shop-production"}',
            "OPENLINEAGE__TRANSPORT__TRANSPORT__TYPE": "datadog",
            "OPENLINEAGE__TRANSPORT__TRANSPORT__SITE": "{url}",
            "OPENLINEAGE__TRANSPORT__TRANSPORT__APIKEY": "{key}",
        },
        share="openlineage-python",
        how="The transport transform around the Datadog transport, by variables; the transformer is one that the "
        "client brings.",
        jobs=4,
    ),
)
