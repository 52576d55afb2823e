"""The control API's own document, as a judge of what it answers."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from mock_intake.server.control import ENDPOINTS, PREFIX
from mock_intake.server.control.openapi import document

DOCUMENT = document(ENDPOINTS)


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def conforms(response: httpx.Response, template: str) -> Any:
    """The JSON of an answer, after its status, type and content were found to be as the document says."""
    operation = DOCUMENT["paths"][PREFIX + template][response.request.method.lower()]
    documented = operation["responses"]
    assert str(response.status_code) in documented, (response.status_code, response.text)
    (media, content), *_ = documented[str(response.status_code)]["content"].items()
    assert response.headers["content-type"].partition(";")[0] == media
    answer = response.json()
    name = content["schema"]["$ref"].rpartition("/")[2]
    errors = [f"{list(error.instance_path)}: {error.message}" for error in _validator(name).iter_errors(answer)]
    assert errors == []
    return answer
