"""Has a fuzzer that sees which branches are taken (atheris) run a target: ``python -m tests.fuzzing.run judge 600``.

Inputs that were worth keeping gather in ``build/fuzz/TARGET``, and are gone on from the next time; what breaks is in
``build/fuzz/found``. Ends with 1 where something was found.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["mock_intake"]):
    from tests.fuzzing.targets import targets

_BUILD = Path("build/fuzz")
# What takes longer (seconds) or more memory (MB) than that is found too.
_LIMITS = ("-timeout=20", "-rss_limit_mb=1500", "-max_len=65536")


def main(name: str, seconds: str) -> None:
    target = targets()[name]
    corpus, found = _BUILD / name, _BUILD / "found"
    for directory in (corpus, found):
        directory.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={found}/{name}-", "-print_final_stats=1", *_LIMITS]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:3])
