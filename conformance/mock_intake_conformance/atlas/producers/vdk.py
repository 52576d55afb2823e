"""vdk-lineage: a data job of the Versatile Data Kit on SQLite."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer

_STEPS = {
    "shop/10_orders.sql": "CREATE TABLE orders (id INTEGER, customer_id INTEGER, day TEXT, amount INTEGER)\n",
    "shop/20_customers.sql": "CREATE TABLE customers (id INTEGER, name TEXT)\n",
    "shop/30_daily_revenue.sql": (
        "CREATE TABLE daily_revenue AS SELECT o.day, SUM(o.amount) AS revenue FROM orders o\n"
        "JOIN customers c ON c.id = o.customer_id GROUP BY o.day\n"
    ),
    "shop/config.ini": "[owner]\nteam = shop\n",
}
_FAIL = "echo 'INSERT INTO daily_revenue SELECT * FROM no_such_table' >shop/40_broken.sql; exec vdk run shop"

PRODUCERS = (
    RealProducer(
        "vdk-lineage",
        "vdk-lineage",
        Venv(
            (
                "vdk-core==0.3.1466514302",
                "vdk-lineage==0.3.1431637373",
                "vdk-sqlite==0.1.1431637373",
            ),
            build=("setuptools<80", "wheel"),
        ),
        _STEPS,
        ("vdk", "run", "shop"),
        ("bash", "-c", _FAIL),
        path="custom",
        environment={"VDK_SQLITE_FILE": "shop.db", "VDK_DB_DEFAULT_TYPE": "SQLITE"},
        leads={"VDK_OPENLINEAGE_URL": "{url}", "VDK_OPENLINEAGE_API_KEY": "{key}"},
        how="VDK_OPENLINEAGE_URL and VDK_OPENLINEAGE_API_KEY.",
        scenarios=FEW,
    ),
)
