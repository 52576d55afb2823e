"""openlineage-prefect: its listener beside a Prefect server, and a deployed flow."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import RealProducer

_FLOW = """\
import os

from prefect import flow, task


@task
def orders():
    return [(1, 10), (2, 5)]


@task
def customers():
    return {1: "Ada", 2: "Grace"}


@flow(log_prints=False)
def daily_revenue():
    known = customers()
    if os.environ.get("SHOP_IS_BROKEN"):
        raise ValueError("no customers")
    return sum(amount for customer, amount in orders() if customer in known)


if __name__ == "__main__":
    daily_revenue.serve(name="nightly")
"""
_LISTENER = """\
import asyncio

from openlineage_prefect.prefect_adapter.listener import PrefectOpenLineageListener


async def main():
    await PrefectOpenLineageListener().collect_and_process_runs()


asyncio.run(main())
"""
_JOB = """\
# A server, the listener beside it, and one run of the flow; all of it ends with the flow.
import os
import socket
import subprocess
import sys
import time
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
os.environ["PREFECT_HOME"] = os.path.abspath("prefect")
os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
if "--fail" in sys.argv:
    os.environ["SHOP_IS_BROKEN"] = "1"
log = open("log", "w")
server = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
started = [subprocess.Popen(server, stdout=log, stderr=log)]
try:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2)
            break
        except OSError:
            time.sleep(0.3)
    started.append(subprocess.Popen([sys.executable, "listener.py"]))
    time.sleep(8)  # until it has subscribed
    started.append(subprocess.Popen([sys.executable, "flow.py"], stdout=log, stderr=log))
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound

    run = None
    for _ in range(100):
        try:
            run = run_deployment("daily-revenue/nightly", timeout=90, poll_interval=1)
            break
        except (ObjectNotFound, ValueError):
            time.sleep(0.5)
    time.sleep(6)  # until it has heard of the end
finally:
    for process in reversed(started):
        process.terminate()
    for process in started:
        process.wait(20)
sys.exit(0 if run is not None and run.state.is_completed() else 3)
"""

PRODUCERS = (
    RealProducer(
        "prefect",
        "openlineage-prefect",
        Venv(("prefect==3.9.1", "openlineage-prefect==0.0.1b22")),
        {"job.py": _JOB, "flow.py": _FLOW, "listener.py": _LISTENER},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        environment={"PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1", "OPENLINEAGE_NAMESPACE": "shop"},
        how="Run its listener, PrefectOpenLineageListener().collect_and_process_runs(), beside the server.",
        scenarios=frozenset({"healthy", "failing", "503-once", "slow", "refusing"}),
        time_limit=200,
        jobs=1,
    ),
)
