"""Bodies of events on their way through Spark: packed by Python, as each is written, read and shuffled by Java.

Of a run's events most text is the same, so packed they are a sixth; few are ever looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

_SIZE = 8
_encoded = msgspec.msgpack.Encoder().encode
_decoded = msgspec.msgpack.Decoder(list[bytes]).decode


@cache
def _codec() -> Any:
    return pa.Codec("lz4_raw")


def packed(bodies: Sequence[bytes]) -> bytes:
    """The bodies as one value, for ``unpacked``."""
    content = _encoded(bodies)
    packed_content: bytes = _codec().compress(content, asbytes=True)
    return len(content).to_bytes(_SIZE) + packed_content


def unpacked(value: bytes) -> list[bytes]:
    """The bodies of which ``packed`` made a value."""
    content = _codec().decompress(memoryview(value)[_SIZE:], int.from_bytes(value[:_SIZE]))
    return _decoded(content)
