"""Whether this build finds what an earlier one did: both judge the same events, and findings are held one by one.

Run: .venv/bin/python -m bench.same_findings [--build COMMIT] [--events 20000] [--show 3]. A third of the events is
wrong, each rule being broken in turn; as many runs as have events are judged, too. The events are this build's. For
each rule it prints how many findings both have, and how many one of them alone; exits with 1 if this build lacks some.
A finding counts as another if its severity, its place or any word of it is (with --places the words may be others);
in what order they come does not count.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from faker import Faker

from bench.builds import BUILD, installed
from mock_intake.fake import OpenLineageProvider
from mock_intake.fake.broken import UNBREAKABLE
from mock_intake.judging.catalogue import RULES

# Runs in either build's environment: for each line, a body, what is found in it; then what is found in the runs.
_JUDGING = """
import json, sys
from datetime import datetime, timezone
try:
    from mock_intake import Intake, ReceivedRequest
except ImportError:  # where they stood before the rooms
    from mock_intake.exchange import ReceivedRequest
    from mock_intake.intake import Intake
from mock_intake.journal import MemoryJournal
from mock_intake.views import Views
intake, journal = Intake(), MemoryJournal()
views = Views(journal, intake.settings.selection)
headers = (("authorization", "Bearer " + "0" * 32), ("content-type", "application/json"))
for number, line in enumerate(sys.stdin.buffer):
    body = line.rstrip(b"\\n")
    request = ReceivedRequest("%012x" % number, "POST", "/api/v1/lineage", "", headers, body,
                              datetime(2026, 11, 2, tzinfo=timezone.utc))
    exchange = intake.receive(request)
    journal.append([exchange])
    print(json.dumps([f"event {number}", [finding.to_dict() for finding in exchange.findings]]))
for run in views.runs():
    print(json.dumps([f"run {run.run_id}", [finding.to_dict() for finding in views.run_findings(run, closed=True)]]))
"""
SEED = 20
PLACES = ("code", "severity", "pointer")


def mixture(count: int) -> Iterator[bytes]:
    """Events of all platforms, each run with its beginning and end; behind two that are right one that is not."""
    fake = Faker()
    fake.add_provider(OpenLineageProvider)
    Faker.seed(SEED)
    breakable = [code for code in RULES if code not in UNBREAKABLE and RULES[code].subject != "request"]
    chosen = random.Random(SEED)

    def events() -> Iterator[Any]:
        while True:
            yield from fake.run_cycle()
            yield from fake.broken_events(chosen.choice(breakable))

    for event in islice(events(), count):
        yield json.dumps(event).encode()


def found_by(python: Path, bodies: list[bytes], parts: tuple[str, ...] | None) -> dict[str, Counter[str]]:
    """What a build finds, by event and by the id of runs: findings, or parts of them, as JSON, each with how often."""
    done = subprocess.run(  # noqa: S603 - our own
        [python, "-P", "-c", _JUDGING], input=b"\n".join(bodies) + b"\n", stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Counter[str]] = {}
    for line in done.stdout.splitlines():
        about, findings = json.loads(line)
        counts = found.setdefault(about, Counter())
        counts.update(json.dumps({part: finding[part] for part in parts or sorted(finding)}) for finding in findings)
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", default=BUILD, help=f"the commit to compare with ({BUILD})")
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--show", type=int, default=3, help="so many findings of one build alone are shown of a rule")
    options.add_argument("--places", action="store_true", help="hold rule, severity and place alone")
    given = options.parse_args()
    parts = PLACES if given.places else None
    bodies = list(mixture(given.events))
    before, now = (found_by(python, bodies, parts) for python in (installed(given.build), Path(sys.executable)))
    counts: dict[str, Counter[str]] = {}
    shown: dict[tuple[str, str], list[str]] = {}
    for about in {**before, **now}:
        then, here = (found.get(about, Counter()) for found in (before, now))
        for which, found in (("both", then & here), ("before", then - here), ("now", here - then)):
            for finding, times in found.items():
                code = json.loads(finding)["code"]
                counts.setdefault(code, Counter())[which] += times
                if which != "both":
                    shown.setdefault((code, which), []).append(finding)
    print(f"{len(bodies):,} events and {len(now) - len(bodies):,} runs, this build beside {given.build}")
    print(f"{'rule':<8} {'both':>9} {'before alone':>13} {'now alone':>10}")
    for code, count in sorted(counts.items()):
        print(f"{code:<8} {count['both']:>9,} {count['before']:>13,} {count['now']:>10,}")
    for (code, which), findings in sorted(shown.items()):
        for finding in findings[: given.show]:
            print(f"{code}, {which} alone: {finding}")
    lost = sum(count["before"] for count in counts.values())
    print(f"{lost:,} findings of that build are not made any more" if lost else "nothing is lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
