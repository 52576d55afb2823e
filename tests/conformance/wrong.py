"""What is wrong with each producer of tests/producers: the cases that it fails, and all others it does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mock_intake_conformance.producer import Producer
from tests.conftest import REPOSITORY

PRODUCERS = REPOSITORY / "tests" / "producers"

_SERVER_ERRORS = tuple(f"resilience/{status}-once" for status in (500, 502, 503, 504))
_RETRYING = (*_SERVER_ERRORS, "resilience/reset-once", "resilience/429-retry-after")
_STORMS = tuple(f"resilience/{status}-no-storm" for status in (400, 403, 413))
_ANSWERS = "resilience/job-survives-answers"
_SILENT = "resilience/not-lost-in-silence"
_LED_AWAY = "resilience/3xx-not-in-silence"
_TLS = ("security/tls-untrusted", "security/tls-expired", "security/tls-wrong-host")
_ARRIVES = "delivery/reaches-the-endpoint"
SUCCEEDS = "delivery/job-succeeds"
# Of a job that fails anyway nobody can tell.
SURVIVAL = frozenset(
    f"resilience/{name}"
    for name in (
        "refusing-intake",
        "hanging-once",
        "hanging-for-ever",
        "job-survives-answers",
        "retry-after-an-hour",
    )
)

FAILS: Mapping[str, frozenset[str]] = {
    name: frozenset(cases)
    for name, cases in {
        # Python
        "any_host.py": ("security/tls-wrong-host",),
        "batch.py": (_ARRIVES, "delivery/readable"),
        "builds_again.py": ("resilience/lost-answer",),
        "changing_job.py": ("lifecycle/job-identity",),
        "complete_before_start.py": ("lifecycle/start-first",),
        "dies_when_down.py": (
            _ANSWERS,
            "resilience/refusing-intake",
            "resilience/hanging-for-ever",
            "resilience/retry-after-an-hour",
        ),
        "fails_by_itself.py": (SUCCEEDS,),
        "fails_but_says_complete.py": ("lifecycle/failure-is-told",),
        "fails_without_a_word.py": ("lifecycle/failure-is-told",),
        "follows_with_its_key.py": ("security/redirect-without-key",),
        "goes_elsewhere_on_failure.py": ("delivery/no-real-site",),
        "gzip_without_header.py": (_ARRIVES, "delivery/encoding"),
        "header_without_gzip.py": (_ARRIVES, "delivery/encoding"),
        "hot_retry.py": (*_STORMS, "resilience/429-retry-after"),
        "ignores_retry_after.py": ("resilience/429-retry-after",),
        "key_in_event.py": ("security/key-not-in-url-or-body",),
        "key_in_query.py": ("security/key-not-in-url-or-body",),
        "key_in_wrong_header.py": (_ARRIVES, "delivery/bearer-key"),
        "logs_its_key.py": ("security/key-not-printed",),
        "logs_its_key_on_error.py": ("security/key-not-printed",),
        "loses_events_at_exit.py": (_SILENT, _LED_AWAY, "resilience/slow-intake", "resilience/429-retry-after"),
        "naive_time.py": ("content/openlineage-to-the-letter",),
        "never_ends.py": ("lifecycle/start-and-one-end", "lifecycle/failure-is-told"),
        "no_job_type.py": ("content/no-datadog-error",),
        "no_retry.py": _RETRYING,
        "pings_first.py": ("delivery/nothing-misdirected",),
        "retries_for_ever.py": (
            *_STORMS,
            _ANSWERS,
            "resilience/refusing-intake",
            "resilience/429-retry-after",
            "resilience/hanging-for-ever",
        ),
        "run_id_is_no_uuid.py": ("content/valid-openlineage",),
        "runs_after_the_end.py": ("lifecycle/nothing-after-the-end",),
        "secret_in_namespace.py": ("content/no-secrets", "content/no-datadog-warning"),
        "sends_nothing.py": (_ARRIVES,),
        "sends_twice.py": ("lifecycle/each-event-once",),
        "takes_all_for_success.py": (_SILENT, _LED_AWAY),
        "two_run_ids.py": ("lifecycle/start-and-one-end",),
        "two_spellings.py": ("content/no-datadog-warning",),
        "verify_off.py": _TLS,
        "waits_for_an_hour.py": ("resilience/retry-after-an-hour",),
        # Shell, with curl
        "exits_on_loss.sh": (
            _ANSWERS,
            "resilience/refusing-intake",
            "resilience/hanging-for-ever",
            "resilience/retry-after-an-hour",
        ),
        "form_type.sh": ("delivery/content-type",),
        "insecure.sh": _TLS,
        "location_trusted.sh": ("security/redirect-without-key",),
        "verbose.sh": ("security/key-not-printed",),
        # Node, with its standard library
        "accepts_any_certificate.js": _TLS,
        "exits_at_once.js": (_SILENT, "resilience/slow-intake", "resilience/429-retry-after"),
        "no_timeout.js": ("resilience/hanging-once", "resilience/hanging-for-ever"),
        # fetch() takes an answer of whatever status for a success.
        "unhandled.js": (
            *_RETRYING,
            _SILENT,
            _LED_AWAY,
            _ANSWERS,
            "resilience/refusing-intake",
            "resilience/hanging-once",
            "resilience/hanging-for-ever",
        ),
    }.items()
}
WELL_BEHAVED = ("well_behaved.py", "well_behaved.sh", "well_behaved.js")
# These run into limits however long those are; the others have to be well within them, on a busy machine too.
ENDLESS = ("retries_for_ever.py", "no_timeout.js")


def producer(name: str) -> Producer:
    """A program of tests/producers as the suite runs it, in an environment of its own."""
    file = PRODUCERS / name
    command = {
        ".py": (sys.executable, "-m", f"tests.producers.{file.stem}"),
        ".sh": ("bash", str(file)),
        ".js": ("node", str(file)),
    }[file.suffix]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    return Producer(name, "custom", command, (*command, "--fail"), environment)


def programs() -> set[str]:
    """All programs that there are."""
    return {file.name for file in _files(PRODUCERS) if file.name != "__init__.py"}


def _files(directory: Path) -> list[Path]:
    return [file for file in directory.iterdir() if file.suffix in (".py", ".sh", ".js")]
