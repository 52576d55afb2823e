"""Apache Airflow with the OpenLineage provider: by ``dags test``, and with a scheduler."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer

_PINS = Venv(
    (
        "apache-airflow==3.3.2",
        "apache-airflow-providers-openlineage==2.20.3",
        "apache-airflow-providers-standard==1.21.0",
    )
)
_DAG = '''\
"""Nightly: daily revenue of orders and customers."""

import os
from datetime import datetime

from airflow.sdk import Asset, dag, task

SHOP = "postgres://shop.example:5432/shop/public"


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, is_paused_upon_creation=False)
def daily_revenue():
    @task(outlets=[Asset(f"{SHOP}/paid_orders")], inlets=[Asset(f"{SHOP}/orders"), Asset(f"{SHOP}/customers")])
    def join():
        return [10, 5]

    @task(inlets=[Asset(f"{SHOP}/paid_orders")], outlets=[Asset(f"{SHOP}/daily_revenue")])
    def add_up(amounts):
        if os.environ.get("SHOP_IS_BROKEN"):
            raise ValueError("no customers")
        return sum(amounts)

    add_up(join())


daily_revenue()
'''
_TEST = """\
#!/usr/bin/env bash
# The DAG in one process, as its developer runs it.
export AIRFLOW_HOME=$PWD/airflow AIRFLOW__CORE__DAGS_FOLDER=$PWD/dags
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///$PWD/airflow/airflow.db
[ "${1:-}" = --fail ] && export SHOP_IS_BROKEN=1
exec airflow dags test daily_revenue 2026-11-01
"""
_SCHEDULED = """\
#!/usr/bin/env bash
# The DAG as production runs it: api-server, dag-processor and scheduler, one run triggered, all of it ended after it.
set -u
export AIRFLOW_HOME=$PWD/airflow AIRFLOW__CORE__DAGS_FOLDER=$PWD/dags
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///$PWD/airflow/airflow.db
[ "${1:-}" = --fail ] && export SHOP_IS_BROKEN=1
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AIRFLOW__API__PORT=$port AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:$port/execution/
# A worker for each task, in place of 32.
export AIRFLOW__CORE__PARALLELISM=2
airflow dags reserialize >reserialize.log 2>&1
airflow api-server --host 127.0.0.1 --port "$port" --workers 1 >api.log 2>&1 & api=$!
airflow dag-processor >processor.log 2>&1 & processor=$!
airflow scheduler >scheduler.log 2>&1 & scheduler=$!
for _ in $(seq 60); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 1
done
airflow dags trigger daily_revenue --run-id nightly >trigger.log 2>&1
state=none
for _ in $(seq 150); do
  state=$(python - <<'PYTHON'
import sqlite3
rows = sqlite3.connect("airflow/airflow.db", timeout=20).execute("select state from dag_run where run_id = 'nightly'")
print(next(iter(rows), ["none"])[0])
PYTHON
)
  case $state in success|failed) break ;; esac
  sleep 1
done
sleep 4
kill $scheduler $processor $api
# On a machine that is busy they do not always end.
{ sleep 20; kill -9 $scheduler $processor $api; } >/dev/null 2>&1 &
wait $scheduler $processor $api
# What whoever runs it can read: the scheduler's log, and the tasks'.
cat scheduler.log
find airflow/logs -name '*.log' -exec cat {} +
echo "the run ended as $state"
[ "$state" = success ]
"""
_ENVIRONMENT = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__OPENLINEAGE__NAMESPACE": "shop",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-this-pipeline-alone-of-enough-bytes",
    "AIRFLOW__CORE__FERNET_KEY": "",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
_PREPARE = """\
export AIRFLOW_HOME=$PWD/airflow AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///$PWD/airflow/airflow.db
mkdir -p airflow
airflow db migrate && rm -f airflow/airflow.cfg
"""
_FILES = {"dags/shop.py": _DAG}

PRODUCERS = (
    RealProducer(
        "airflow-dags-test",
        "Apache Airflow, airflow dags test",
        _PINS,
        {**_FILES, "test.sh": _TEST},
        ("bash", "test.sh"),
        ("bash", "test.sh", "--fail"),
        environment=_ENVIRONMENT,
        prepare=(("bash", "-c", _PREPARE),),
        share="airflow",
        how="The provider and the client's variables; what AIRFLOW__OPENLINEAGE__TRANSPORT says goes before them.",
        scenarios=FEW,
        time_limit=150,
    ),
    RealProducer(
        "airflow-scheduler",
        "Apache Airflow with a scheduler",
        _PINS,
        {**_FILES, "scheduled.sh": _SCHEDULED},
        ("bash", "scheduled.sh"),
        ("bash", "scheduled.sh", "--fail"),
        environment=_ENVIRONMENT,
        prepare=(("bash", "-c", _PREPARE),),
        share="airflow",
        how="The provider and the client's variables, in the environment of scheduler and workers.",
        # Each of these is minutes.
        scenarios=frozenset(
            {
                "healthy",
                "failing",
                "503-once",
                "reset-once",
                "429-once",
                "slow",
                "refusing",
                "403-always",
            }
        ),
        jobs=1,
        time_limit=400,
    ),
)
