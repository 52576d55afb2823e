"""Text from producers is text on every page, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mock_intake import IntakeServer
from tests.control.content import ORG, send
from tests.events import base, dataset, job_type, run_event, schema
from tests.web.looking import look

HOSTILE = (
    "<script>document.title='x'</script>",
    '"><img src=x onerror="document.title=\'x\'">',
    "' onmouseover='document.title=1' x='",
    "</title></textarea></style></script><b>",
    "javascript:document.title=1",
    "{{ 7 * 7 }}{% raw %}",
    "<svg/onload=document.title=1>",
    "&lt;b&gt; &amp;",
    "\u202egnp.exe",
    "nul\x00bell\x07esc\x1b[31mred\x7f",
    "a\r\nSet-Cookie: x=1",
    "<!--",
    "]]>",
    "\u2028\u2029\ufeff",
    "\ud800",
    "../../etc/passwd?a=b#c&d=%00%41",
    "x" * 5_000,
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]")
PAGES = ("events", "exchanges", "runs", "lineage", "rules", "coverage")


def hostile_event(text: str, event_type: str, **changes: Any) -> dict[str, Any]:
    """An event that says it wherever a page shows something."""
    column = {"inputFields": [{"namespace": text, "name": text, "field": text}]}
    facets = {
        "schema": {**schema(text)},
        "columnLineage": {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": {text: column}},
        text: {"_producer": text, "_schemaURL": text},
    }
    return run_event(
        event_type,
        producer=text,
        run={
            "runId": text,
            "facets": {
                "errorMessage": {"message": text, "programmingLanguage": text, "stackTrace": text},
                "parent": {"run": {"runId": f"parent {text}"}, "job": {"namespace": text, "name": text}},
                text: text,
            },
        },
        job={
            "namespace": text,
            "name": text,
            "facets": {
                "jobType": job_type(integration=text, jobType=text),
                "tags": {"tags": [{"key": text, "value": text, "source": "USER"}]},
            },
        },
        inputs=[dataset(text, text, **facets)],
        outputs=[dataset(f"out {text}", text, **facets)],
        **changes,
    )


@pytest.fixture(scope="module")
def hostile() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        for text in HOSTILE:
            for event_type in ("START", "FAIL"):
                send(server, hostile_event(text, event_type))
        yield server


def paths(server: IntakeServer) -> list[str]:
    """The lists, and the pages of every event, run, job and dataset on them."""
    found = dict.fromkeys(f"/mock/{name}?org={ORG}" for name in PAGES)
    for path in list(found):
        page = look(server, path)
        found.update(dict.fromkeys(link for link in page.links().values() if link.startswith("/mock/")))
    return list(found)


def test_no_page_has_markup_or_characters_from_producers(hostile: IntakeServer) -> None:
    seen = paths(hostile)
    assert len(seen) > 100
    for path in seen:
        page = look(hostile, path, follow_redirects=True)
        assert page.status == 200, path
        assert not CONTROL.search(page.response.text), path
        for one in page.elements:
            names = one.attributes.keys()
            assert not any(name.startswith("on") for name in names), (path, one)
            assert one.tag not in ("b", "img", "iframe", "style"), (path, one)
            if one.tag == "script":
                assert one.text.strip() == ""
            for name in ("href", "src", "action"):
                value = one.attributes.get(name)
                assert value is None or value.startswith(("/", "#", "https://")), (path, one)
        assert "49" not in [one.text for one in page.all("h1")]


def test_all_that_was_said_is_there_to_be_read(hostile: IntakeServer) -> None:
    text = look(hostile, f"/mock/runs?org={ORG}").text
    assert "<script>document.title='x'</script>" in text
    assert "\\u202egnp.exe" in text
    assert "nul\\x00bell\\x07esc\\x1b[31mred\\x7f" in text


def test_headers_of_pages_are_never_made_from_what_was_sent(hostile: IntakeServer) -> None:
    for path in paths(hostile):
        headers = look(hostile, path).response.headers
        assert not {"set-cookie", "location"} & headers.keys()


def test_hostile_queries_are_text_too(hostile: IntakeServer) -> None:
    for text in HOSTILE[:-4]:
        for path in (
            "events?text=",
            "events?job_name=",
            "events?run_id=",
            "exchanges?text=",
            "runs?job_name=",
            "lineage?text=",
            "events?org=",
            "nothing/",
        ):
            page = look(hostile, "/mock/" + path + "".join(f"%{byte:02x}" for byte in text.encode()))
            assert page.status in (200, 404)
            assert not CONTROL.search(page.response.text)
            assert not [one for one in page.elements if any(name.startswith("on") for name in one.attributes)]
            assert not page.all("img")
            assert not page.all("b")
