"""Everything that is aimed for, measured beside an earlier build, with one table at the end (make bench).

Run: .venv/bin/python -m bench [--rounds 7] [--most 1000000] [PART ...]. Each part also runs alone, as its module:
``python -m bench.judge``. Exits with 1 where an aim is missed.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping

from bench import certify, check, findings, intake, judge, plugin
from bench.aims import Measure, Task, finish, options, run

PARTS: Mapping[str, Measure] = {
    "judge": judge.aims,
    "findings": findings.aims,
    "intake": intake.aims,
    "plugin": plugin.aims,
    "certify": certify.aims,
    "check": check.aims,
}


def main() -> int:
    """Measures as the command line says."""
    parser = options(__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all without")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    task = Task(given.rounds, given.build, given.most)
    results, failed = [], []
    for name in given.parts or PARTS:
        print(f"\n== {name}, {task.rounds} rounds, beside {task.build}", flush=True)
        try:
            result = run(name, PARTS[name], task)
        except Exception:  # the others took long, or will, and are not to be lost
            traceback.print_exc()
            failed.append(name)
        else:
            results.append(result)
            print(f"{name}: {result.seconds:.0f} s; {result.machine}", flush=True)
    code = finish(results) if results else 1
    if failed:
        print(f"could not be measured: {', '.join(failed)}")
    return 1 if failed else code


if __name__ == "__main__":
    sys.exit(main())
