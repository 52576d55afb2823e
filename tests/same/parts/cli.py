"""What the command says of itself: help, completion, cases, and what it says to those who call it wrongly."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.same.commands import choices, run, subcommands
from tests.same.texts import JsonObject, pretty

_ERRNO = re.compile(r"\[Errno \d+\]")
_TIME_LIMIT = 60.0
_SHELLS = ("bash", "fish", "zsh")
# Calls that are refused, or find nothing to do.
_WRONG = (
    "",
    "nonsense",
    "check",
    "check nowhere.ndjson",
    "check inputs/cases --format xml",
    "check inputs/cases --fail-on",
    "check inputs/cases --select XX",
    "check inputs/cases --places 0",
    "check inputs/journal.ndjson",
    "check --config nowhere.toml inputs/cases",
    "check --facets nowhere inputs/cases",
    "certify",
    "certify --only nonsense -- true",
    "certify --path custom -- ./nowhere",
    "certify -o report.doc -- true",
    "conformance --only nonsense",
    "demo --documented nowhere",
    "export nowhere.db",
    "export http://127.0.0.1:1",
    "import nowhere.ndjson --to events.db",
    "import inputs/cases/04-spark-null-facets.json --to events.db",
    "import inputs/journal.ndjson",
    "replay inputs/cases",
    "replay inputs/cases --to datadoghq.com",
    "replay inputs/cases --to nowhere",
    "replay nowhere.ndjson --to http://127.0.0.1:1",
    "report nowhere.db",
    "report nowhere.db -o report.doc",
    "rules DD999",
    "rules DD --format yaml",
    "run",
    "run --path custom -- true",
    "run --fault nonsense -- true",
    "serve --host 0.0.0.0",
    "serve --fault 99",
    "serve --fault 503,nonsense",
    "serve --fault redirect",
    "serve --max-body 5X",
    "serve --agent-off",
    "serve --agent-port 0 --agent-url ftp://acme",
    "serve --agent-port 0 --agent-endpoint datadoghq.eu",
    "serve --agent-port 0 --agent-key-env NOWHERE",
    "serve --cert nowhere.pem",
    "serve --forward nonsense",
    "serve --forward datadoghq.com",
    "serve --tls-flaw nonsense",
    "serve --keep-events 0",
    "completion nonsense",
)


def record(_folder: Path) -> Iterator[tuple[str, str]]:
    yield "help/mock-intake.txt", run("--help").output
    for name in subcommands():
        yield f"help/{name}.txt", run(name, "--help").output
    for shell in _SHELLS:
        yield f"completion/{shell}.txt", run("completion", shell).output
    yield "cases-of-the-suite.txt", run("certify", "--list").output
    yield "scenarios-of-the-suite.txt", run("certify", "--dry-run", "--slow", "--failing", "false", "--", "true").output
    yield "wrong-calls.json", pretty({call: _said(call) for call in _WRONG})
    yield "formats.json", pretty({name: choices(name, "--format") for name in ("check", "report", "rules", "certify")})


def _said(call: str) -> JsonObject:
    with limited(_TIME_LIMIT, call):
        done = run(*call.split())
    said = {"output": done.output, "errors": _ERRNO.sub("[Errno N]", done.errors)}
    return {"exit_code": done.exit_code, **{name: text.splitlines() for name, text in said.items() if text}}


@contextmanager
def limited(seconds: float, what: str) -> Iterator[None]:
    """Raises ``TimeoutError`` where something takes longer, such as a call that is refused no more and serves."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"mock-intake {what} has not ended within {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, end)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
