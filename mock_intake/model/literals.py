"""The few words that some fields of values have, as types, and numbers and times that JSON Schema has more to say of.

Apart from ``mock_intake.model.shapes``, which only those need who write down what is answered.
"""

from __future__ import annotations

from typing import Annotated, Literal

Status = Literal["ok", "warning", "error"]
State = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
Kind = Literal["RunEvent", "JobEvent", "DatasetEvent"]
Entity = Literal["run", "job", "dataset", "input", "output"]
Subject = Literal["request", "event", "run", "dataset"]
Violates = Literal["openlineage"]

# Beside their type JSON Schema says this of them: keywords and their values.
Count = Annotated[int, ("minimum", 0)]
Seconds = Annotated[float, ("minimum", 0)]
Time = Annotated[str, ("format", "date-time")]
