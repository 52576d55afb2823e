"""feast: a feature store whose registry is applied."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.transforming import add_job_type

_STORE = """\
project: shop
registry: registry.db
provider: local
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
openlineage: {enabled: true, namespace: shop}
"""
_JOB = """\
import sys
from datetime import datetime, timedelta

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64

pd.DataFrame({
    "customer_id": [1, 2],
    "revenue": [10.0, 5.0],
    "day": pd.to_datetime(["2026-11-01", "2026-11-01"], utc=True),
}).to_parquet("daily_revenue.parquet")
source = FileSource(name="daily_revenue", path="daily_revenue.parquet", timestamp_field="day")
customer = Entity(name="customer", join_keys=["customer_id"])
view = FeatureView(name="revenue", entities=[customer], ttl=timedelta(days=3650), source=source,
                   schema=[Field(name="revenue", dtype=Float64)])
store = FeatureStore(".")
store.apply([source, customer, view])
if "--fail" in sys.argv:
    import os
    os.remove("daily_revenue.parquet")
store.materialize(datetime(2026, 10, 1), datetime(2026, 11, 20))
"""

PRODUCERS = (
    RealProducer(
        "feast",
        "feast",
        Venv(("feast==0.67.0", "openlineage-python==1.54.0", "grpcio==1.76.0")),
        {"job.py": _JOB, "feature_store.yaml": _STORE},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        environment={"FEAST_USAGE": "False"},
        how="openlineage: {enabled: true} in feature_store.yaml; without transport_type the client's own "
        "settings hold.",
        scenarios=FEW,
        cures=(add_job_type(),),
    ),
)
