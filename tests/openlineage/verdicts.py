"""The official documents' verdicts on record, for whoever has not the documents.

A series are values that are the same on every run, made from our own documents by a fixed seed, each with the address
of the schema that judges it. Of a series are kept how many values it has, a digest of them, and the verdicts that the
official documents gave, as bits. Nothing of the documents' text is.

Where the documents are at hand, they judge, and the record has to be what they say. Where not, the record judges; a
series that is another than the recorded one is then nothing that can be compared, and a failure.
``make verdicts`` writes the record anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from mock_intake.openlineage.facet_schema import decider
from mock_intake.openlineage.library import standard_library
from tests.openlineage.official import UNSEEN, VARIABLE, documents_at_hand

RECORD = Path(__file__).parent / "verdicts.json"
WRITING = os.environ.get("TEST_VERDICTS") == "write"
Asked = tuple[str, Any]
"""The address of a schema, and a value."""


class Series(NamedTuple):
    """What is kept of one: how many values, a digest of them, and the verdicts."""

    length: int
    digest: str
    bits: str

    @classmethod
    def of(cls, asked: Sequence[Asked], verdicts: Sequence[bool], made_of: Any = None) -> Series:
        return cls(len(asked), digest_of(asked if made_of is None else made_of), packed(verdicts))


def digest_of(values: Any) -> str:
    return hashlib.sha256(orjson.dumps(values)).hexdigest()[:16]


def packed(verdicts: Sequence[bool]) -> str:
    number = int("1" + "".join("01"[verdict] for verdict in verdicts), 2)
    raw = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.b85encode(zlib.compress(raw, 9)).decode()


def unpacked(bits: str) -> list[bool]:
    number = int.from_bytes(zlib.decompress(base64.b85decode(bits)))
    return [bit == "1" for bit in f"{number:b}"[1:]]


@cache
def record() -> dict[str, Series]:
    if not RECORD.exists():
        return {}
    return {name: Series(*kept) for name, kept in json.loads(RECORD.read_text(encoding="utf-8")).items()}


def write(name: str, series: Series) -> None:
    """Puts a series on record; only one process may do so at a time."""
    kept = {**record(), name: series}
    record().update(kept)
    lines = ",\n".join(f"{json.dumps(each)}: {json.dumps(kept[each])}" for each in sorted(kept))
    RECORD.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def verdicts_on(name: str, asked: Sequence[Asked], made_of: Any = None) -> list[bool]:
    """What the official documents say of a series of values; ``name`` is unique among series.

    ``made_of`` is what the values are made of, where that is shorter than they are: the digest is then of it.
    """
    official = documents_at_hand()
    kept = record().get(name)
    if unseen := {target for target, _ in asked if is_unseen(target)}:
        pytest.skip(f"NOT COMPARED with the official documents: none of {', '.join(unseen)} was at hand")
    if official is None:
        if kept is None:
            pytest.skip(f"NOT COMPARED with the official documents: no verdicts on {name} are on record")
        assert (kept.length, kept.digest) == (len(asked), digest_of(asked if made_of is None else made_of)), (
            f"the record is of other values than are made now of {name}: our documents, or how values are made, are "
            f"others. If that was meant: make verdicts, where {VARIABLE} names the official documents"
        )
        return unpacked(kept.bits)
    verdicts = [official.validator(target)(value) for target, value in asked]
    series = Series.of(asked, verdicts, made_of)
    if WRITING:
        write(name, series)
    else:
        assert series == kept, f"the record of {name} is not what the official documents say: make verdicts"
    return verdicts


def is_unseen(target: str) -> bool:
    return target.partition("#")[0] in UNSEEN


@cache
def judge_of(target: str) -> Callable[[Any], bool]:
    """Who says whether values that are others every time are valid: the official document, or ours in its place.

    That ours say the same is what the record is for.
    """
    official = documents_at_hand()
    if official and not is_unseen(target):
        return official.validator(target)
    return decider({"$ref": target}, standard_library().registry)
