"""What Spark's Python workers judge by: the user's settings as a value that travels, and one judge in each process.

The driver reads files and looks for packages; workers have neither its directories nor, perhaps, its packages. So
schemas travel as texts, and a worker that has other packages than the driver says so, as it would judge otherwise.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from mock_intake import __version__
from mock_intake.datadog import platforms
from mock_intake.judging.catalogue import load_extensions
from mock_intake.judging.config import Config
from mock_intake.judging.judgement import Judge
from mock_intake.model.findings import Selection, Severity
from mock_intake.openlineage.library import FacetLibrary, read_schemas
from mock_intake.rules import outside
from mock_intake.system.extensions import points_of


class WorkersDifferError(RuntimeError):
    """A worker would judge by other rules than the driver; the message says what each has, and what to do."""


class JudgingSettings(NamedTuple):
    """Whatever a judgement depends on beside the event: to be hashed, compared, and sent to workers.

    ``schemas`` are the user's own facets, each the name and the text of its file; ``packages`` those with versions that
    bring rules and platforms, this one first.
    """

    select: frozenset[str]
    ignore: frozenset[str]
    severity: frozenset[tuple[str, Severity]]
    schemas: tuple[tuple[str, str], ...]
    packages: tuple[str, ...]

    @classmethod
    def of(cls, config: Config) -> JudgingSettings:
        """What ``config`` and this process's packages amount to.

        Raises ``UserSchemaError`` for a directory of schemas that cannot be used, ``ExtensionError`` for a package.
        """
        load_extensions()
        own = read_schemas(config.facets) if config.facets else []
        FacetLibrary(own)  # what cannot be used is to be known here, and not on a worker
        selection = config.selection
        return cls(
            selection.select,
            selection.ignore,
            frozenset(selection.severity.items()),
            tuple((source, json.dumps(schema)) for source, schema in own),
            packages(),
        )


def packages() -> tuple[str, ...]:
    """The packages of this process that have a say in what is found, with their versions."""
    others = {package for group in (outside.GROUP, platforms.GROUP) for _, package in points_of(group)}
    return (f"mock-intake {__version__}", *sorted(others))


@lru_cache(maxsize=4)
def judge_of(settings: JudgingSettings) -> Judge:
    """The judge of this process for these settings: schemas compile once in each worker, and not for each batch.

    Raises ``WorkersDifferError`` where this process has other packages than that which made the settings.
    """
    if settings.packages != (here := packages()):
        raise WorkersDifferError(
            f"A worker of Spark has {', '.join(here)}; the driver has {', '.join(settings.packages)}. They would judge "
            "differently: install the same versions for both (docs/how-to/audit-archives.md)."
        )
    own = [(source, json.loads(text)) for source, text in settings.schemas]
    selection = Selection(settings.select, settings.ignore, dict(settings.severity))
    return Judge(FacetLibrary(own) if own else None, selection)
