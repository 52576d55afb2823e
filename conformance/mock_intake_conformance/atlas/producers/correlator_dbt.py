"""correlator-dbt: dbt on DuckDB, its artefacts told as events at the end."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.producers.dbt import FILES

PRODUCERS = (
    RealProducer(
        "correlator-dbt",
        "correlator-dbt",
        Venv(("correlator-dbt==0.1.1", "dbt-core==1.11.*", "dbt-duckdb==1.10.1")),
        FILES,
        ("dbt-correlator", "build", "--project-dir", ".", "--profiles-dir", "."),
        ("dbt-correlator", "build", "--project-dir", ".", "--profiles-dir", ".", "--", "--vars", "{broken: true}"),
        path="custom",
        environment={"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        leads={"CORRELATOR_ENDPOINT": "{url}/api/v1/lineage", "CORRELATOR_API_KEY": "{key}"},
        how="Call dbt-correlator in place of dbt; CORRELATOR_ENDPOINT is the whole address.",
        scenarios=FEW,
    ),
)
