"""Measures real producers and writes their facts into the package: ``python -m mock_intake_conformance.atlas NAME...``.

For developers (make atlas): it installs them below build/atlas, which takes long and gigabytes, and is no part of CI.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from mock_intake_conformance.atlas.catalogue import real_producers
from mock_intake_conformance.atlas.installing import InstallError, installed
from mock_intake_conformance.atlas.model import RealProducer
from mock_intake_conformance.atlas.running import measured
from mock_intake_conformance.atlas.shipped import MEASURED, write_facts

_CACHE = Path("build/atlas")


def main() -> None:
    """Measures the producers of these names, or all; ends with 2 for a name that there is not."""
    producers = real_producers()
    parser = argparse.ArgumentParser(prog="make atlas", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*producers, []], metavar="NAME", help="producers; all without any")
    parser.add_argument("--into", type=Path, default=MEASURED, help="where the facts go  [default: the package]")
    parser.add_argument("--cache", type=Path, default=_CACHE, help="where they are installed  [default: %(default)s]")
    parser.add_argument("--install-only", action="store_true", help="install them, and measure nothing")
    given = parser.parse_args()
    if given.install_only:
        for name in given.names or producers:
            _install(producers[name], given.cache)
        return
    for name in given.names or producers:
        began = time.monotonic()
        sys.stderr.write(f"{name} ...\n")
        facts = measured(producers[name], given.cache)
        file = write_facts(facts, given.into)
        what = "ready" if facts.get("ready") else facts.get("reason", "not ready")
        sys.stdout.write(f"{name}: {what} ({time.monotonic() - began:.0f} s, {file.name})\n")
        sys.stdout.flush()


def _install(producer: RealProducer, cache: Path) -> None:
    try:
        installed(producer.install, producer.directory(cache), producer.files)
    except InstallError as error:
        sys.exit(f"{producer.name} cannot be had: {error}")


if __name__ == "__main__":
    main()
