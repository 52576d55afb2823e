"""A Prefect server, the integration's listener beside it, and a flow of one task; all of it ends with the flow."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

# The listener knows only flows that are deployed.
FLOW = """
from prefect import flow, task

@task
def extract():
    return [1, 2, 3]

@flow
def etl():
    print(sum(extract()))

if __name__ == "__main__":
    etl.serve(name="nightly")
"""
RUN = """
import time
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

for _ in range(100):
    try:
        run_deployment("etl/nightly", timeout=90, poll_interval=1)
        break
    except (ObjectNotFound, ValueError):
        time.sleep(0.5)
"""
LISTENER = """
import asyncio
from openlineage_prefect.prefect_adapter.listener import PrefectOpenLineageListener

async def main():
    await PrefectOpenLineageListener().collect_and_process_runs()

asyncio.run(main())
"""

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
# A new one each time: the listener tells of the runs that it finds there, too.
home = tempfile.TemporaryDirectory(prefix="prefect-", ignore_cleanup_errors=True)
os.environ["PREFECT_HOME"] = home.name
os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
server = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
started = [subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
try:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2)
            break
        except OSError:
            time.sleep(0.2)
    started.append(subprocess.Popen([sys.executable, "-c", LISTENER]))
    time.sleep(6)  # until it has subscribed
    with open("flow.py", "w") as file:
        file.write(FLOW)
    started.append(subprocess.Popen([sys.executable, "flow.py"], stdout=subprocess.DEVNULL))
    subprocess.run([sys.executable, "-c", RUN], check=True)
    time.sleep(6)  # until it has heard of the end
finally:
    for process in reversed(started):
        process.terminate()
    for process in started:
        process.wait(20)
    home.cleanup()
