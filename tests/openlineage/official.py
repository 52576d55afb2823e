"""The official documents, where they are at hand: the oracle that our own are held against.

They are no part of the repository. ``OPENLINEAGE_SPEC_DIR`` names a directory that has them as
``<version>/OpenLineage.json`` and ``facets/<version>/<Name>.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import jsonschema_rs

VARIABLE = "OPENLINEAGE_SPEC_DIR"
UNSEEN = frozenset(("https://openlineage.io/spec/facets/1-0-1/DataQualityMetricsDatasetFacet.json",))
"""What is known of the clients alone: no official document of it was at hand. Whoever has one takes it from here."""


class Official:
    """The official documents, and their verdicts. Formats are checked."""

    def __init__(self, directory: Path) -> None:
        files = [*directory.glob("*/OpenLineage.json"), *directory.glob("facets/*/*.json")]
        assert files, f"{VARIABLE} is {directory}, where no documents of the standard are"
        read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        self.documents: Mapping[str, Any] = {document["$id"]: document for document in read}
        self._validators: dict[str, Callable[[Any], bool]] = {}
        # Some core versions refer to facet documents that were never published. Nothing can follow those.
        missing = {
            address
            for name, document in self.documents.items()
            for reference in _references(document)
            if (address := urljoin(name, reference).partition("#")[0]) not in self.documents
        }
        self._registry = jsonschema_rs.Registry(
            [*self.documents.items(), *((address, {"not": {}}) for address in missing)],
            draft=jsonschema_rs.Draft202012,
        )

    def validator(self, target: str) -> Callable[[Any], bool]:
        """Whether the schema at an address accepts a value."""
        if target not in self._validators:
            self._validators[target] = jsonschema_rs.Draft202012Validator(
                {"$ref": target}, registry=self._registry, validate_formats=True, offline=True
            ).is_valid
        return self._validators[target]


def _references(schema: Any) -> Iterator[str]:
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for child in children:
        yield from _references(child)
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        yield schema["$ref"]


@cache
def _read(directory: str) -> Official:
    return Official(Path(directory))


def documents_at_hand() -> Official | None:
    """The official documents, if there are any. A directory that is named and has none is a failure."""
    directory = os.environ.get(VARIABLE)
    return _read(directory) if directory else None
