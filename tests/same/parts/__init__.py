"""What is recorded, a module for each kind of thing.

A part is a function that takes a folder of its own, the working directory, in which the inputs lie as ``inputs``, and
yields the name and the text of each file of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.same.parts import api, cli, findings, package, pages, plugin, reports, requests, rules, suite

Part = Callable[[Path], Iterator[tuple[str, str]]]

# The folder of the record that each of them fills.
PARTS: Mapping[str, Part] = {
    "rules": rules.record,
    "cli": cli.record,
    "findings": findings.record,
    "requests": requests.record,
    "reports": reports.record,
    "api": api.record,
    "pages": pages.record,
    "plugin": plugin.record,
    "suite": suite.record,
    "package": package.record,
}
# Files that are measurements, with the file that says what was measured: shown, and not compared.
INFORMATION: Mapping[str, str] = {f"plugin/{plugin.MILLISECONDS}": "plugin/imports.json"}
