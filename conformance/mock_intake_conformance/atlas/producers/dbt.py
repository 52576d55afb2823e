"""openlineage-dbt: dbt-ol around dbt on DuckDB, with plain and with structured logs, and on PostgreSQL."""

from mock_intake_conformance.atlas.databases import WITH_POSTGRES
from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, Cure, RealProducer

_PINS = Venv(("dbt-core==1.11.*", "dbt-duckdb==1.10.1", "openlineage-dbt==1.54.0"))
FILES = {
    "dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\nmodel-paths: [models]\nseed-paths: [seeds]\n',
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n",
    "seeds/orders.csv": "id,customer_id,day,amount\n1,1,2026-11-01,10\n2,2,2026-11-01,5\n",
    "seeds/customers.csv": "id,name\n1,Ada\n2,Grace\n",
    "models/paid_orders.sql": (
        "select o.id, o.day, o.amount, c.name\n"
        "from {{ ref('orders') }} o join {{ ref('customers') }} c on c.id = o.customer_id\n"
    ),
    "models/daily_revenue.sql": (
        "select day, sum(amount) as revenue, {{ 1 if var('broken', false) else 0 }} as broken\n"
        "from {{ ref('paid_orders') }}\n"
        "{% if var('broken', false) %}where no_such_column > 0{% endif %}\ngroup by day\n"
    ),
}
_RUN = ("dbt-ol", "build", "--project-dir", ".", "--profiles-dir", ".")
_FAIL = (*_RUN, "--vars", "{broken: true}")
_STRUCTURED = ("--consume-structured-logs",)
_ENVIRONMENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "OPENLINEAGE_NAMESPACE": "shop"}
_ON_POSTGRES = {
    **FILES,
    "profiles.yml": (
        "shop:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: localhost, port: 54329, user: postgres, "
        "password: none, dbname: postgres, schema: public, threads: 1}\n"
    ),
    "with_postgres.py": WITH_POSTGRES,
}

PRODUCERS = (
    RealProducer(
        "dbt",
        "openlineage-dbt (dbt-ol)",
        _PINS,
        FILES,
        _RUN,
        _FAIL,
        environment=_ENVIRONMENT,
        share="dbt",
        how="Call dbt-ol in place of dbt; the client's variables say where to.",
        scenarios=FEW,
        cures=(
            Cure(
                "Call dbt-ol with --consume-structured-logs: the FAIL of a model then says why.",
                ("DD501",),
                command=(*_RUN, *_STRUCTURED),
                failing=(*_FAIL, *_STRUCTURED),
                scenarios=frozenset({"healthy", "failing"}),
            ),
        ),
    ),
    RealProducer(
        "dbt-structured-logs",
        "openlineage-dbt (dbt-ol --consume-structured-logs)",
        _PINS,
        FILES,
        (*_RUN, *_STRUCTURED),
        (*_FAIL, *_STRUCTURED),
        environment=_ENVIRONMENT,
        share="dbt",
        how="Call dbt-ol in place of dbt; the client's variables say where to.",
        scenarios=FEW,
    ),
    RealProducer(
        "dbt-postgres",
        "openlineage-dbt (dbt-ol) on PostgreSQL",
        Venv(("dbt-core==1.11.*", "dbt-postgres==1.11.0", "openlineage-dbt==1.54.0")),
        _ON_POSTGRES,
        ("python", "with_postgres.py", *_RUN),
        ("python", "with_postgres.py", *_FAIL),
        environment=_ENVIRONMENT,
        how="Call dbt-ol in place of dbt; the client's variables say where to.",
        scenarios=frozenset({"healthy", "failing", "503-once", "slow", "refusing", "403-always"}),
        # The server has one port.
        jobs=1,
    ),
)
