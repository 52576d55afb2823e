"""sqlmesh-openlineage: SQLMesh on DuckDB."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.transforming import add_job_type

_CONFIG = """\
import sqlmesh_openlineage

sqlmesh_openlineage.install(namespace="shop")

from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

config = Config(
    gateways={"shop": GatewayConfig(connection=DuckDBConnectionConfig(database="shop.duckdb"))},
    default_gateway="shop",
    model_defaults=ModelDefaultsConfig(dialect="duckdb", start="2026-11-01"),
    disable_anonymized_analytics=True,
)
"""
_MODELS = {
    "models/orders.sql": "MODEL (name shop.orders, kind FULL);\nSELECT 1 AS id, 1 AS customer_id, 10 AS amount\n",
    "models/customers.sql": "MODEL (name shop.customers, kind FULL);\nSELECT 1 AS id, 'Ada' AS name\n",
    "models/daily_revenue.sql": (
        "MODEL (name shop.daily_revenue, kind FULL);\n"
        "SELECT c.name, SUM(o.amount) AS revenue FROM shop.orders AS o\n"
        "JOIN shop.customers AS c ON c.id = o.customer_id GROUP BY c.name\n"
    ),
}
# Valid to SQLMesh, and an error once it runs.
_BROKEN = "MODEL (name shop.broken, kind FULL);\nSELECT CAST('none' || name AS INT) AS revenue FROM shop.customers\n"
_FAIL = "mkdir -p models && cp broken.txt models/broken.sql && exec sqlmesh plan --auto-apply --no-prompts"

PRODUCERS = (
    RealProducer(
        "sqlmesh",
        "sqlmesh-openlineage",
        Venv(("sqlmesh==0.236.4", "sqlmesh-openlineage==0.1.0")),
        {"config.py": _CONFIG, **_MODELS, "broken.txt": _BROKEN},
        ("sqlmesh", "plan", "--auto-apply", "--no-prompts"),
        ("bash", "-c", _FAIL),
        how="Call sqlmesh_openlineage.install() in config.py. It demands OPENLINEAGE_URL, whatever transport the "
        "client has.",
        scenarios=FEW,
        cures=(add_job_type(),),
        reads=("OPENLINEAGE__TRANSPORT__TYPE", "DD_API_KEY", "DD_SITE", "OPENLINEAGE_URL"),
    ),
)
