"""JSON of values: what msgspec makes of a Struct, and of a Struct alone; orjson knows nothing of those."""

from __future__ import annotations

import json
from typing import Any

from msgspec import to_builtins
from msgspec.json import Encoder

_encode = Encoder().encode


def to_json(value: Any) -> bytes:
    """``value``, which may be a builtin that holds some, as JSON without blanks; bytes in base64.

    It is UTF-8, or ASCII with escapes where a text holds lone surrogates, which UTF-8 has none of: they may come from a
    path or a header.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(to_builtins(value), allow_nan=False, separators=(",", ":")).encode("ascii")
