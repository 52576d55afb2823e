"""JSON answers of the control API."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mock_intake.parsing import dumps


def answer(content: Any, status_code: int = 200) -> Response:
    return Response(dumps(content), status_code, media_type="application/json")


def failure(status_code: int, message: str) -> Response:
    return answer({"error": message}, status_code)
