"""Columns as schema facets list them and as lineage names them: nested, quoted, in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mock_intake.system.patterns import pattern_of

# The name of each column as its schema has it, by what is left of it without case and quotes.
Columns = Mapping[str, str]

_DEEPEST = 20
_MOST_COLUMNS = 20_000
_LONGEST_KEPT = 120
# Of a schema of no more columns, and characters in their names, it is remembered which they are.
_MOST_KEPT = 100
_MOST_CHARACTERS_KEPT = 2_000
# What databases answer to without listing it: rows' places, partitions, files; and * for all.
_UNLISTED = (
    *("*", "rowid", "rownum", "ctid", "xmin", "oid", "tableoid", "_partitiontime", "_partitiondate", "_table_suffix"),
    *("_file_name", "_metadata", "input__file__name", "block__offset__inside__file"),
)


def plain_column(name: str) -> str:
    """``name`` of a column without quotes, marks of arrays and case."""
    # The same columns come with each run of a job.
    return _plain(name) if len(name) <= _LONGEST_KEPT else name.translate(_LEFT_OUT).lower()


@lru_cache(maxsize=4_096)
def _plain(name: str) -> str:
    return name.translate(_LEFT_OUT).lower()


# What stands for each element of a list, or each value of a map: some name it and others pass over it.
_PASSED_OVER = pattern_of(r"\.(?:_?element|_?value|_?key|_?item|list|array)(?=\.)")
_LEFT_OUT = {ord(character): None for character in '"`[]'}


def columns_of(schema: Any) -> Columns:
    """The columns of a ``schema`` facet, nested ones with dots between; empty where it has none."""
    fields = schema.get("fields") if isinstance(schema, Mapping) else None
    names = _plain_names(fields)
    return _columns_of(fields) if names is None else _remembered_columns(names)


def _plain_names(fields: Any) -> tuple[str, ...] | None:
    """The names of ``fields``, by which their columns are known: of few and short ones, none of which is nested."""
    if type(fields) is not list or len(fields) > _MOST_KEPT:
        return None
    try:
        names = tuple([field["name"] for field in fields if "fields" not in field])
        return names if len(names) == len(fields) and len("".join(names)) <= _MOST_CHARACTERS_KEPT else None
    except (TypeError, KeyError):  # entries that are none, or have no name
        return None


# Schemas come again with each run of a job.
@lru_cache(maxsize=1_024)
def _remembered_columns(names: tuple[str, ...]) -> Columns:
    return _columns_of([{"name": name} for name in names])


def _columns_of(fields: Any) -> Columns:
    found: dict[str, str] = {}
    level = [("", fields)]
    for _ in range(_DEEPEST):
        deeper: list[tuple[str, Any]] = []
        for above, listed in level:
            for field in listed if type(listed) is list else ():
                name = field.get("name") if type(field) is dict else None
                if type(name) is not str or len(found) >= _MOST_COLUMNS:
                    continue
                plain = plain_column(above + name)
                found.setdefault(plain, above + name)
                if above:
                    found.setdefault(_PASSED_OVER.sub("", plain), above + name)
                deeper.append((f"{above}{name}.", field.get("fields")))
        if not deeper:
            break
        level = deeper
    return found


def is_column(name: str, columns: Columns) -> bool:
    """Whether lineage names one of these columns: as it is listed, in quotes, or in lower case, as parsers of SQL do.

    A name in dots is a nested one also where the schema lists no more than what it is in.
    """
    if name in columns:  # written as it is left without case and quotes, as most are
        return True
    plain = plain_column(name)
    bare = name.translate(_LEFT_OUT)
    listed = columns.get(plain)
    if listed is not None:
        right = listed.translate(_LEFT_OUT)
        return bare in (right, plain, _PASSED_OVER.sub("", right))
    if plain in _UNLISTED or plain.startswith(("$", "metadata$", "_metadata.")):
        return True
    whole, dot, _ = plain.partition(".")
    # What is below a column whose fields are not listed may be there.
    return bool(dot) and whole in columns and not any(key.startswith(whole + ".") for key in columns)
