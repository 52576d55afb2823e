"""Every documented way of sending, as a program with the real client or curl, against a real intake.

``DOCUMENTED_PAGE`` names a copy of the vendor's page: then its code blocks are run as well, as printed but for
host and key, and our programs are compared with them.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mock_intake import IntakeServer, Status
from mock_intake.model.exchange import Exchange, header
from tests.programs import arrived, body_of, run_program, severities

DOCUMENTED = Path(__file__).parent.parent / "conformance/mock_intake_conformance/documented"
CURRENT = "1.54.0"
OLD = "1.37.0"
# Host and key as the page prints them; a site stands for a host.
HOST = "https://data-obs-intake.datadoghq.com"
SITE = "datadoghq.com"
KEYS = ("<DD_API_KEY>", "your-datadog-api-key")
# What each of the page's tabs shows, in order.
SHELL, PYTHON = "shell", "python"
TABS = [[SHELL], [PYTHON], [PYTHON, SHELL, PYTHON]]


@pytest.fixture
def old_client() -> str:
    """A Python interpreter that has the first client with the Datadog transport."""
    interpreter = os.environ.get("TEST_OLD_CLIENT")
    if not interpreter:
        reason = f"TEST_OLD_CLIENT names no Python with openlineage-python {OLD} (make test sets it)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return interpreter


def variables_for(program: str, server: IntakeServer, api_key: str) -> dict[str, str]:
    if program == "datadog_environment.py":
        return {"DD_API_KEY": api_key, "DD_SITE": server.url, "OPENLINEAGE__TRANSPORT__TYPE": "datadog"}
    return {"MOCK_INTAKE_URL": server.url, "MOCK_INTAKE_KEY": api_key}


def run_documented(interpreter: str, program: str, home: Path, server: IntakeServer, api_key: str) -> Exchange:
    """Runs one of our programs; the one exchange that it made."""
    ended = run_program([interpreter, DOCUMENTED / program], home, variables_for(program, server, api_key))
    assert ended.returncode == 0, ended.stderr
    (exchange,) = arrived(server, api_key)
    assert server.journal.position == 1, "nothing arrived besides"
    return exchange


def check_taken_with_errors(exchange: Exchange, api_key: str) -> None:
    """What holds of every documented way: the address, the key, a 2xx, and that Datadog would not process it."""
    request = exchange.request
    assert (request.method, request.path, request.query) == ("POST", "/api/v1/lineage", "")
    assert header(request.headers, "content-type") == "application/json"
    assert header(request.headers, "authorization") == f"Bearer ****{api_key[-4:]}"
    assert api_key not in repr(exchange)
    assert exchange.response.status_code == 202
    assert exchange.accepted
    assert exchange.event is not None
    assert exchange.event.status is Status.ERROR
    answer = json.loads(exchange.response.body)
    assert answer["id"] == exchange.event.id
    assert answer["status"] == "error"
    assert [finding["code"] for finding in answer["findings"]] == [finding.code for finding in exchange.findings]
    (missing,) = (finding for finding in exchange.findings if finding.code == "DD101")
    assert missing.violates is None, "the standard itself does not ask for jobType"
    assert all(finding.violates == "openlineage" for finding in exchange.findings if finding.code.startswith("OL"))


def check_curl(exchange: Exchange, api_key: str) -> None:
    check_taken_with_errors(exchange, api_key)
    assert (header(exchange.request.headers, "user-agent") or "").startswith("curl/")
    assert header(exchange.request.headers, "content-encoding") is None
    assert body_of(exchange) == {
        "eventTime": "2023-01-01T00:00:00Z",
        "eventType": "START",
        "run": {"runId": "123e4567-e89b-12d3-a456-426614174000"},
        "job": {"namespace": "default", "name": "test-job"},
        "producer": "your-producer-id",
    }
    assert severities(exchange) == {"OL009": "warning", "OL010": "warning", "DD101": "error"}


def check_client(exchange: Exchange, api_key: str, *, encoding: str | None, version: str = CURRENT) -> None:
    """What the Python client makes of the documented calls; the time and the run's id are new ones each time."""
    check_taken_with_errors(exchange, api_key)
    assert (header(exchange.request.headers, "user-agent") or "").startswith("python-requests/")
    assert header(exchange.request.headers, "content-encoding") == encoding
    body = body_of(exchange)
    time = datetime.fromisoformat(body.pop("eventTime"))
    assert time.tzinfo is None
    assert abs(datetime.now(UTC) - time.replace(tzinfo=UTC)) < timedelta(minutes=5)
    run = body.pop("run")
    assert uuid.UUID(run.pop("runId")).version == 4
    assert run == {"facets": client_facets(version)}
    assert body == {
        "eventType": "START",
        "inputs": [],
        "job": {"facets": {}, "name": "test-job", "namespace": "default"},
        "outputs": [],
        "producer": "your-producer-id",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
    assert severities(exchange) == {"OL008": "warning", "OL009": "warning", "DD101": "error"}


def client_facets(version: str) -> dict[str, Any]:
    """The run facets that the client adds by itself; the old one adds none."""
    if version == OLD:
        return {}
    return {
        "tags": {
            "_producer": f"https://github.com/OpenLineage/OpenLineage/tree/{version}/client/python",
            "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/TagsRunFacet.json#/$defs/TagsRunFacet",
            "tags": [{"key": "openlineage_client_version", "source": "OPENLINEAGE_CLIENT", "value": version}],
        }
    }


PYTHON_PROGRAMS = pytest.mark.parametrize(
    ("program", "encoding"),
    [("http_transport.py", None), ("datadog_transport.py", "gzip"), ("datadog_environment.py", "gzip")],
)


def test_documented_curl_request_is_taken_and_not_processed(server: IntakeServer, api_key: str, tmp_path: Path) -> None:
    check_curl(run_documented("bash", "curl.sh", tmp_path, server, api_key), api_key)


@PYTHON_PROGRAMS
def test_documented_python_program_is_taken_and_not_processed(
    program: str, encoding: str | None, server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    exchange = run_documented(sys.executable, program, tmp_path, server, api_key)
    check_client(exchange, api_key, encoding=encoding)


@PYTHON_PROGRAMS
def test_documented_python_program_with_the_first_client_that_has_the_datadog_transport(
    program: str, encoding: str | None, old_client: str, server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    asked = "import importlib.metadata as m; print(m.version('openlineage-python'))"
    assert run_program([old_client, "-c", asked], tmp_path, {}).stdout.strip() == OLD
    exchange = run_documented(old_client, program, tmp_path, server, api_key)
    check_client(exchange, api_key, encoding=encoding, version=OLD)


# The page itself


class Block(NamedTuple):
    """A code block of the page: the tab it stands in, counted from 0, its language and its text."""

    tab: int
    language: str
    code: str


def blocks_of(text: str) -> list[Block]:
    """The fenced code blocks that stand in the page's tabs, in order."""
    tabs = re.findall(r'\{\{% tab "[^"]*" %\}\}\n(.*?)\{\{% /tab %\}\}', text, re.DOTALL)
    return [
        Block(number, language, code)
        for number, tab in enumerate(tabs)
        for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", tab, re.DOTALL | re.MULTILINE)
    ]


def checked(found: Sequence[Block]) -> list[str]:
    """The code of the page's five blocks; fails if they are not the ones that are known."""
    shape = [[block.language for block in found if block.tab == tab] for tab in {block.tab: None for block in found}]
    assert shape == TABS, f"the page shows other code blocks than expected: {shape}"
    return [block.code for block in found]


@pytest.fixture
def page() -> list[str]:
    """The code blocks of the vendor's page."""
    name = os.environ.get("DOCUMENTED_PAGE")
    if not name:
        pytest.skip("DOCUMENTED_PAGE is not set: it names a copy of the vendor's page")
    return checked(blocks_of(Path(name).read_text(encoding="utf-8")))


def pointed_at(code: str, url: str, api_key: str) -> str:
    """Code of the page with host and key replaced, and nothing else."""
    for printed in (HOST, SITE):
        code = code.replace(printed, url)
    for printed in KEYS:
        code = code.replace(printed, api_key)
    assert not re.search(r"datadoghq|ddog-gov|datad0g", code), "a host of the vendor's is left in it"
    return code


def event_of(code: str) -> tuple[str, str]:
    """The imports of a Python block, and what it does once it has its client."""
    statements = ast.parse(code).body
    imports = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
    (client,) = (
        node for node in statements if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "client"
    )
    after = statements[statements.index(client) + 1 :]
    return lines_of(code, imports), lines_of(code, after)


def lines_of(code: str, statements: Sequence[ast.stmt]) -> str:
    lines = code.splitlines(keepends=True)
    return "".join("".join(lines[node.lineno - 1 : node.end_lineno]) for node in statements)


def test_printed_curl_block_runs_as_our_program_does(
    page: list[str], server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    ended = run_program(["bash", "-c", pointed_at(page[0], server.url, api_key)], tmp_path, {})
    assert ended.returncode == 0, ended.stderr
    (exchange,) = arrived(server, api_key)
    check_curl(exchange, api_key)


@pytest.mark.parametrize(("number", "encoding"), [(1, None), (2, "gzip")])
def test_printed_python_block_runs_as_our_program_does(
    number: int, encoding: str | None, page: list[str], server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    ended = run_program([sys.executable, "-c", pointed_at(page[number], server.url, api_key)], tmp_path, {})
    assert ended.returncode == 0, ended.stderr
    (exchange,) = arrived(server, api_key)
    check_client(exchange, api_key, encoding=encoding)


def test_printed_environment_blocks_run_as_our_program_does(
    page: list[str], server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    imports, event = event_of(page[2])
    program = tmp_path / "printed.py"
    program.write_text(imports + page[4] + event)
    script = pointed_at(page[3], server.url, api_key) + shlex.join([sys.executable, str(program)])
    ended = run_program(["bash", "-c", script], tmp_path, {})
    assert ended.returncode == 0, ended.stderr
    (exchange,) = arrived(server, api_key)
    check_client(exchange, api_key, encoding="gzip")


class _Expression(ast.NodeTransformer):
    """Puts values in place of the names they were assigned to, and one word in place of host and key."""

    def __init__(self) -> None:
        self.values: dict[str, ast.expr] = {}
        self.used: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        self.used.add(node.id)
        return self.values.get(node.id, node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Name("outside") if node.value in (HOST, SITE, *KEYS) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return ast.Name("outside") if ast.unparse(node.value) == "os.environ" else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        node.keywords.sort(key=lambda keyword: keyword.arg or "")
        return node


def calls_of(code: str) -> str:
    """All that a program does, written as the one expression that it comes down to."""
    transformer = _Expression()
    done = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign):
            transformer.values[ast.unparse(node.targets[0])] = transformer.visit(node.value)
        elif isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            done.append(ast.unparse(transformer.visit(node.value)))
        else:
            assert isinstance(node, ast.Import | ast.ImportFrom | ast.Expr), ast.unparse(node)
    assert transformer.values.keys() <= transformer.used, "a value is made and not used"
    return "\n".join(done)


def imports_of(code: str) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    return {f"{node.module}.{name.name}" for node in nodes for name in node.names}


def test_our_python_programs_make_the_printed_calls_and_no_others(page: list[str]) -> None:
    imports, event = event_of(page[2])
    printed = {
        "http_transport.py": page[1],
        "datadog_transport.py": page[2],
        "datadog_environment.py": imports + page[4] + event,
    }
    for program, block in printed.items():
        ours = (DOCUMENTED / program).read_text()
        assert calls_of(ours) == calls_of(block), program
        # The environment form is printed without imports: it needs fewer than the block before.
        assert imports_of(ours) <= imports_of(block), program


def test_our_curl_program_makes_the_printed_call_and_no_other(page: list[str]) -> None:
    def words(script: str) -> list[Any]:
        script = script.replace("\\\n", "").replace("$MOCK_INTAKE_URL", HOST).replace("$MOCK_INTAKE_KEY", KEYS[0])
        return [json.loads(word) if word.startswith("{") else word for word in shlex.split(script, comments=True)]

    ours = words((DOCUMENTED / "curl.sh").read_text())
    assert ours == words(page[0])
    assert ours[0] == "curl"


def test_page_with_a_block_less_is_noticed() -> None:
    tab = '{{% tab "A" %}}\n```shell\ncurl\n```\n{{% /tab %}}\n{{% tab "B" %}}\n```python\npass\n```\n{{% /tab %}}\n'
    assert blocks_of(tab) == [Block(0, SHELL, "curl\n"), Block(1, PYTHON, "pass\n")]
    with pytest.raises(AssertionError, match="other code blocks"):
        checked(blocks_of(tab))
