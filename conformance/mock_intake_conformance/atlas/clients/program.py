"""A program of its own, for any version of the OpenLineage client: emits events as each job says, in a fork for each.

Reads ``{"parallel": N, "jobs": [...]}`` on standard input, and prints by job id what reached its caller, how it ended
and where it printed its key. It imports nothing of this project, and runs wherever the client is installed. Forked
children begin without what other jobs have logged, set or connected, and end as any program does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openlineage.client import OpenLineageClient, OpenLineageClientOptions
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job
from openlineage.client.transport import datadog, http

# What children leave for the process that started them.
OUTCOME, OUT, ERR = "outcome.json", "out.txt", "err.txt"
ANY = {"*": {"*": True}}


class Log(logging.Handler):
    """Keeps the worst level that was logged, from WARNING on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.worst = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.worst = max(self.worst, record.levelno)


LOG = Log()


def settings(job: dict[str, Any]) -> dict[str, Any]:
    """The transport as a configuration has it."""
    if job["client"] == "http":
        auth = {"type": "api_key", "api_key": job["key"]}
        return {"type": "http", "url": job["url"], "auth": auth, "timeout": job["timeout"]}
    rules = {"async_transport_rules": ANY} if job["client"] == "async" else {}
    return {"type": "datadog", "apiKey": job["key"], "site": job["url"], "timeout": job["timeout"], **rules}


def transport(job: dict[str, Any], **more: Any) -> Any:
    own = {name: value for name, value in {**settings(job), **more}.items() if name != "type"}
    if job["client"] == "http":
        return http.HttpTransport(http.HttpConfig.from_dict(own))
    return datadog.DatadogTransport(datadog.DatadogConfig(**own))


def event(job: dict[str, Any], state: Any = RunState.START) -> RunEvent:
    job_type = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
    return RunEvent(
        eventType=state,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(job["run_id"]),
        job=Job("prod", "load_orders", {"jobType": job_type}),
        producer="https://github.com/acme/etl",
    )


def tell(**seen: Any) -> None:
    """Writes down what the caller has got to know; later words go beside earlier ones."""
    file = Path(OUTCOME)
    before = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**before, **seen, "logged": LOG.worst}))


def emit(client: Any, *events: RunEvent) -> None:
    for one in events:
        try:
            client.emit(one)
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            kind = type(error)
            tell(raised=f"{kind.__module__}.{kind.__qualname__}", status=status, text=str(error))
            return


def emit_and_close(client: Any, *events: RunEvent) -> None:
    emit(client, *events)
    tell(closed=client.close())


def sends_one(job: dict[str, Any]) -> None:
    emit_and_close(OpenLineageClient(transport=transport(job)), event(job))


def sends_one_with_a_line_break(job: dict[str, Any]) -> None:
    sends_one({**job, "key": job["key"] + "\n"})


def sends_one_debugging(job: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.DEBUG)
    sends_one(job)


def sends_one_with_a_header(job: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.DEBUG)
    logging.getLogger().setLevel(logging.DEBUG)
    headers = {"Authorization": "Bearer " + job["key"]}
    own = {"url": job["url"], "custom_headers": headers, "timeout": job["timeout"]}
    emit_and_close(OpenLineageClient(config={"transport": {"type": "http", **own}}), event(job))


def sends_one_from_home(job: dict[str, Any]) -> None:
    os.environ["NETRC"] = str(Path(".netrc").absolute())
    sends_one(job)


def ends_at_once(job: dict[str, Any]) -> None:
    emit(OpenLineageClient(transport=transport(job)), event(job), event(job, RunState.COMPLETE))


def ends_after_a_pause(job: dict[str, Any]) -> None:
    client = OpenLineageClient(transport=transport(job))
    emit(client, event(job), event(job, RunState.COMPLETE))
    time.sleep(10)


def forks(job: dict[str, Any]) -> None:
    client = OpenLineageClient(transport=transport(job))
    emit(client, event(job))
    child = os.fork()
    emit_and_close(client, event(job, RunState.COMPLETE)) if child == 0 else None
    if child:
        os.waitpid(child, 0)
        tell(closed=client.close())


def is_made_by_arguments(job: dict[str, Any]) -> None:
    if job["client"] == "http":
        client = OpenLineageClient(job["url"], OpenLineageClientOptions(api_key=job["key"]))
    else:
        client = OpenLineageClient(config={"transport": settings(job)})
    emit_and_close(client, event(job))


def is_made_of_nothing(job: dict[str, Any]) -> None:
    emit_and_close(OpenLineageClient(), event(job))


def is_made_by_variables(job: dict[str, Any]) -> None:
    prefix = "OPENLINEAGE__TRANSPORT__"
    if job["client"] == "http":
        own = {"TYPE": "http", "URL": job["url"], "AUTH__TYPE": "api_key", "AUTH__API_KEY": job["key"]}
    else:
        own = {"TYPE": "datadog", "SITE": job["url"], "APIKEY": job["key"]}
        if job["client"] == "async":
            own["ASYNC_TRANSPORT_RULES"] = json.dumps(ANY)
    os.environ.update({prefix + name: value for name, value in own.items()})
    emit_and_close(OpenLineageClient(), event(job))


def is_a_composite(job: dict[str, Any]) -> None:
    legs = {"one": settings(job), "other": settings(job)}
    emit_and_close(OpenLineageClient(config={"transport": {"type": "composite", "transports": legs}}), event(job))


def child(job: dict[str, Any]) -> None:
    """In a process, and a group, of its own: its directory is its home, its output goes into files."""
    os.setpgid(0, 0)
    os.chdir(job["directory"])
    os.environ.clear()
    os.environ.update({"HOME": job["directory"], "PATH": os.defpath, **job["environment"]})
    for number, name in ((0, os.devnull), (1, OUT), (2, ERR)):
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
    logging.getLogger().addHandler(LOG)
    tell()
    try:
        globals()[job["does"]](job)
    except Exception as error:
        kind = type(error)
        tell(raised=f"{kind.__module__}.{kind.__qualname__}", status=None, text=str(error))
    tell()


def outcome_of(job: dict[str, Any], status: Any) -> dict[str, Any]:
    def read(name: str) -> str:
        return (Path(job["directory"]) / name).read_text(errors="replace")

    found: dict[str, Any] = json.loads(read(OUTCOME))
    key = job["key"].strip()
    shown = {"the exception's text": found.pop("text", ""), "stdout": read(OUT), "stderr": read(ERR)}
    found["printed"] = [where for where, text in shown.items() if key in text]
    found["event_printed"] = job["run_id"] in shown["stdout"] + shown["stderr"]
    found["exit"] = None if status is None else os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
    return found


def main() -> None:
    task = json.load(sys.stdin)
    waiting: list[dict[str, Any]] = list(task["jobs"])
    running: dict[int, Any] = {}
    outcomes = {}
    while waiting or running:
        while waiting and len(running) < task["parallel"]:
            job = waiting.pop(0)
            process = os.fork()
            if process == 0:
                child(job)
                return
            running[process] = (job, time.monotonic() + job["patience"])
        for process, (job, until) in list(running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            late = not ended and time.monotonic() > until
            if ended or late:
                # With what it has forked, which may wait for ever.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
            if late:
                os.waitpid(process, 0)
            if ended or late:
                del running[process]
                outcomes[job["id"]] = outcome_of(job, None if late else status)
        time.sleep(0.01)
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
