"""The atlas: how a producer is measured, with a tiny one that needs no install; what of it is printed and compared."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mock_intake_conformance.atlas.answers import QUESTIONS
from mock_intake_conformance.atlas.by_hand import command_line, commands_of, files_of
from mock_intake_conformance.atlas.catalogue import producer_of, real_producers
from mock_intake_conformance.atlas.installing import Install, Nothing, Venv
from mock_intake_conformance.atlas.model import Cure, RealProducer
from mock_intake_conformance.atlas.page import at_datadog, overview, producer_page
from mock_intake_conformance.atlas.running import measured
from mock_intake_conformance.atlas.shipped import MEASURED, changes, read_atlas, write_facts
from tests.commands import mock_intake

PYTHON = Nothing({"python3": "--version"})
JOB = """\
import json, os, sys, urllib.error, urllib.request, uuid
from datetime import datetime, timezone

def emit(event_type):
    facets = {}
    if os.environ.get("JOB_TYPE"):
        facets["jobType"] = {"_producer": "https://github.com/acme/etl", "processingType": "BATCH",
            "_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json", "integration": "CUSTOM"}
    event = {"eventType": event_type, "eventTime": datetime.now(timezone.utc).isoformat(), "run": {"runId": run},
        "job": {"namespace": os.getcwd(), "name": "etl", "facets": facets}, "producer": "https://github.com/acme/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}
    headers = {"Authorization": f"Bearer {os.environ['MOCK_INTAKE_KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["WHERE"], json.dumps(event).encode(), headers)
    try:
        urllib.request.urlopen(request).read()
    except urllib.error.URLError:
        pass

run = str(uuid.uuid4())
emit("START")
emit("FAIL" if "--fail" in sys.argv else "COMPLETE")
sys.exit(3 if "--fail" in sys.argv else 0)
"""
BOTH = frozenset({"healthy", "failing"})
ADD = Cure("Add the facet.", ("DD101", "content/no-datadog-error"), environment={"JOB_TYPE": "1"}, scenarios=BOTH)
NO_CURE = Cure("Hope.", ("DD101",))
BREAKS = Cure("Stop it.", ("DD101",), files={"job.py": "raise SystemExit(0)"})


def tiny(install: Install = PYTHON, **more: Any) -> RealProducer:
    fields: dict[str, Any] = {
        "files": {"job.py": JOB},
        "command": ("python3", "job.py"),
        "failing": ("python3", "job.py", "--fail"),
        "path": "custom",
        "leads": {"WHERE": "{url}/api/v1/lineage"},
        "scenarios": frozenset({"healthy", "failing", "503-once"}),
    }
    return RealProducer("tiny", "A tiny one", install, **{**fields, **more})


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return measured(tiny(cures=(ADD, NO_CURE, BREAKS)), tmp_path_factory.mktemp("atlas"))


def test_what_a_producer_sent_is_told_without_what_differs_from_run_to_run(facts: Mapping[str, Any]) -> None:
    assert facts["runs"]
    assert facts["versions"].keys() == {"python3"}
    assert facts["events"] == [{"type": kind, "run": "run 1", "job": "WORK / etl"} for kind in ("START", "COMPLETE")]
    assert [event["type"] for event in facts["failing_events"]] == ["START", "FAIL"]
    assert facts["findings"]["DD101"] | {"message": ""} == {"severity": "error", "times": 2, "message": ""}
    assert "DD501" in facts["failing_findings"]
    assert facts["requests"]["paths"] == ["/api/v1/lineage"]
    assert facts["cases"]["content/no-datadog-error"]["verdict"] == "failed"
    assert not facts["ready"]


def test_what_it_did_under_a_fault_is_told(facts: Mapping[str, Any]) -> None:
    here = facts["scenarios"]["503-once"]
    assert (here["exit_code"], here["requests"], here["taken"]) == (0, 2, 1)
    assert (here["lost"], here["attempts"], here["duplicates"], here["told"]) == (1, 1, 0, False)
    assert "hang-once" not in facts["scenarios"]


def test_a_cure_is_tried_and_one_that_does_nothing_is_no_cure(facts: Mapping[str, Any]) -> None:
    adds, hopes, breaks = facts["cures"]
    assert adds["works"]
    assert "DD101" in adds["gone"]
    assert adds["cases"]["content/no-datadog-error"] == ["failed", "passed"]
    assert not hopes["works"]
    assert (hopes["gone"], hopes["cases"]) == ([], {})
    assert "DD101" in breaks["gone"]
    assert not breaks["works"]


def test_what_cannot_be_installed_is_told_without_hosts(tmp_path: Path) -> None:
    broken = tiny(Nothing({"sh": "-c 'none'"}), prepare=(("sh", "-c", "echo no https://host.example/x >&2; exit 4"),))
    found = measured(broken, tmp_path)
    assert not found["runs"]
    assert "cannot be had here" in found["reason"]
    assert "host.example" not in found["reason"]


def test_what_sends_nothing_is_told_with_its_last_words(tmp_path: Path) -> None:
    found = measured(tiny(command=("sh", "-c", "echo no listener was found; exit 7")), tmp_path)
    assert found["reason"] == "No event came. The command ended with exit code 7: no listener was found"


def test_the_pages_say_what_was_measured(facts: Mapping[str, Any]) -> None:
    page = producer_page(tiny(), facts)
    assert "* Add the facet. Tried against `DD101`, `content/no-datadog-error`: **it works**" in page
    assert "| START | run 1 | WORK / etl |" in page
    assert "mock-intake certify --producer tiny -- python3 job.py" in page
    (row,) = (line for line in overview({"tiny": facts}).splitlines() if line.startswith("| [A tiny one]"))
    cells = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", cell.strip()) for cell in row.strip("|").split("|")]
    answers = dict(zip([question.head for question in QUESTIONS], cells[2:], strict=True))
    assert cells[1] == "no"
    assert answers["jobType"] == "never"
    assert answers["503"] == "1 lost, silently"
    assert answers["Failure"] == "without why"
    assert answers["Reset"] == "not tried"


def test_what_a_page_has_somebody_write_is_what_was_measured() -> None:
    """A script types it: python -m docs.try_producers."""
    for name, facts in read_atlas().items():
        producer = real_producers()[name]
        page = producer_page(producer, facts)
        more, installing = producer.install.by_hand(producer.files)
        written = {**more, **producer.files} if producer.files else {}
        assert files_of(page) == {file: text.rstrip("\n") + "\n" for file, text in written.items()}, name
        set_up, pointing = commands_of(page)
        assert [line for line in installing if line not in set_up.splitlines()] == ([] if written else [*installing])
        assert all("{cache}" not in line for line in (set_up, *pointing)), name
        assert f"mock-intake certify --producer {name} -- {command_line(producer)}" in pointing


def test_what_leads_to_datadog_is_no_address_of_ours() -> None:
    for producer in real_producers().values():
        text = json.dumps(at_datadog(producer))
        assert "{url}" not in text, producer.name
        assert "{key}" not in text, producer.name
        assert "127.0.0.1" not in text, producer.name


def test_an_atlas_tells_what_has_changed(facts: Mapping[str, Any], tmp_path: Path) -> None:
    write_facts(facts, tmp_path)
    before = read_atlas(tmp_path)
    assert changes(before, {"tiny": {**facts, "measured": "2030-01-01", "load": 9.0}}) == []
    now = json.loads(json.dumps(facts))
    now["scenarios"]["503-once"]["lost"] = 0
    now["findings"].pop("DD101")
    seen = now["cases"]["content/no-datadog-error"]["seen"]
    now["cases"]["content/no-datadog-error"]["seen"] = f"{seen} after 7.1 s"
    lines = changes(before, {"tiny": now})
    later = json.loads(json.dumps(now).replace("after 7.1 s", "after 12 s"))
    assert changes({"tiny": now}, {"tiny": later}) == []
    assert "tiny: scenarios.503-once.lost: 1 before, 0 now" in lines
    assert any(line.startswith("tiny: findings.DD101") and line.endswith("not there now") for line in lines)
    assert changes({}, before) == ["tiny: was not there"]


def test_what_is_shipped_is_of_the_producers_that_there_are() -> None:
    producers, shipped = real_producers(), read_atlas()
    assert shipped
    for name, facts in shipped.items():
        producer = producers[name]
        kept = (facts["title"], facts["path"], facts["pins"], len(facts.get("cures", [])))
        cures = len(producer.cures) if facts["runs"] else 0
        assert kept == (producer.title, producer.path, list(producer.install.wanted), cures), f"make atlas ONLY={name}"
        assert facts["runs"] or facts["reason"]
    assert {file.stem for file in MEASURED.glob("*.json")} == set(shipped)


def test_no_page_marks_as_strong_what_is_strong_already() -> None:
    pages = [producer_page(real_producers()[name], facts) for name, facts in read_atlas().items()]
    assert any("**1, told**" in page for page in pages)
    assert [page.splitlines()[0] for page in pages if "****" in page] == []


def test_what_is_shipped_names_no_place_of_a_machine() -> None:
    for file in MEASURED.glob("*.json"):
        found = re.search(
            r"127\.0\.0\.1:\d|/root/|/home/|/tmp/mock|pypi|maven\.org|proxy\.golang|crates\.io", file.read_text()
        )
        assert found is None, f"{file.name}: {found[0]}"


def test_pipelines_in_python_can_be_read() -> None:
    for producer in real_producers().values():
        for cure in (None, *producer.cures):
            files = producer.files if cure is None else producer.cured(cure).files
            for name, text in files.items():
                if name.endswith(".py"):
                    compile(text, f"{producer.name}/{name}", "exec")


def test_packages_are_pinned() -> None:
    for producer in real_producers().values():
        if isinstance(producer.install, Venv):
            assert all(re.search(r"==\d|<\d", package) for package in producer.install.packages), producer.name


def test_the_atlas_is_printed() -> None:
    listed = mock_intake("atlas")
    assert listed.returncode == 0
    assert re.search(r"^curl +ready ", listed.stdout, re.MULTILINE)
    page = mock_intake("atlas", "curl")
    assert page.stdout == (Path(__file__).parents[2] / "docs/producers/curl.md").read_text()
    assert json.loads(mock_intake("atlas", "curl", "--json").stdout) == read_atlas()["curl"]


def test_the_command_compares_with_an_older_atlas(tmp_path: Path) -> None:
    same = mock_intake("atlas", "--against", MEASURED)
    assert (same.returncode, same.stdout) == (0, "Nothing has changed.\n")
    curl = json.loads((MEASURED / "curl.json").read_text())
    write_facts({**curl, "ready": not curl["ready"]}, tmp_path)
    changed = mock_intake("atlas", "curl", "--against", tmp_path)
    assert (changed.returncode, changed.stdout) == (1, "curl: ready: false before, true now\n")
    nobody = mock_intake("atlas", "nobody")
    assert nobody.returncode == 2
    assert "There is no producer 'nobody' in the atlas. There are: airflow-dags-test, " in nobody.stderr
    several = mock_intake("atlas", "Airflow")
    assert several.returncode == 2
    assert "'Airflow' in the atlas. Did you mean airflow-dags-test or airflow-scheduler?\n" in several.stderr


def test_a_producer_may_be_led_to_the_socket_of_the_agent(tmp_path: Path) -> None:
    """By the file that it reads too, which goes before variables. What it is told where nothing listens is one as
    well."""
    job = JOB.replace("urllib.request.urlopen(request).read()", "send(request)").replace(
        "def emit",
        """\
import http.client, re, socket

def send(request):
    file = open(os.environ["OPENLINEAGE_CONFIG"]).read()
    assert re.search(r"url: (\\S+)", file)[1] == os.environ["WHERE"], file
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(os.environ["WHERE"].removeprefix("unix://"))
    connection.request("POST", "/openlineage/api/v1/lineage", request.data, {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()

def emit""",
    )
    scenarios = frozenset({"healthy", "refusing"})
    led = {"WHERE": "{socket}", "MOCK_INTAKE_KEY": "none"}
    facts = measured(tiny(files={"job.py": job}, path="agent", leads=led, scenarios=scenarios), tmp_path)
    assert facts["runs"], facts
    assert [event["type"] for event in facts["events"]] == ["START", "COMPLETE"]
    refused = facts["scenarios"]["refusing"]
    assert (refused["requests"], refused["lost"], refused["exit_code"]) == (0, 2, 1)


def test_certify_knows_how_a_producer_is_led_and_cites_the_atlas(tmp_path: Path) -> None:
    job = JOB.replace('["WHERE"]', '["OPENLINEAGE__TRANSPORT__TRANSPORTS__DATADOG__SITE"] + "/api/v1/lineage"')
    (tmp_path / "job.py").write_text(job)
    ran = mock_intake(
        "certify", "--producer", "python-composite", "--only", "content/no-datadog-error", "--format", "json",
        "--", "python3", "job.py", cwd=tmp_path,
    )  # fmt: skip
    report = json.loads(ran.stdout)
    assert report["producers"][0]["path"] == "custom"
    assert [len(execution["requests"]) for execution in report["producers"][0]["executions"]] == [2]
    versions = "openlineage-python 1.54.0"
    assert f"content/no-datadog-error: passes in the atlas, with {versions}." in report["notes"]
    assert "More of python-composite: mock-intake atlas python-composite" in report["notes"]
    assert ran.returncode == 1


def test_certify_says_what_was_measured_beside_a_producer_that_could_not_be_had(tmp_path: Path) -> None:
    ran = mock_intake("certify", "--producer", "spark", "--only", "delivery/bearer-key", "--", "true", cwd=tmp_path)
    assert "The atlas has no measurement of spark: It cannot be had here" in ran.stdout
    measured = "spark-jdbc, spark-openlineage-java, spark-streaming (mock-intake atlas spark-jdbc)"
    assert f"Measured beside it: {measured}" in ran.stdout


def test_a_producer_is_known_by_the_beginning_of_its_name() -> None:
    found = {name: producer_of(name) for name in ("airflow", "dbt", "spark", "java", "python-datadog", "air", "")}
    assert {name: producer and producer.name for name, producer in found.items()} == {
        "airflow": "airflow-dags-test", "dbt": "dbt", "spark": "spark", "java": "java",
        "python-datadog": "python-datadog", "air": None, "": None,
    }  # fmt: skip


def test_certify_names_the_producers_that_it_knows(tmp_path: Path) -> None:
    ran = mock_intake("certify", "--producer", "nobody", "--", "true", cwd=tmp_path)
    assert ran.returncode == 2
    assert "there is no 'nobody' in the atlas. There are: airflow-dags-test, " in ran.stderr


def test_every_finding_of_a_package_is_a_script_that_can_be_run() -> None:
    scripts = sorted((Path(__file__).parents[2] / "findings").glob("*.sh"))
    assert scripts
    for script in scripts:
        assert script.stat().st_mode & 0o111, script.name
        subprocess.run(["bash", "-n", str(script)], check=True)
        text = script.read_text()
        assert "mock-intake" not in text.replace("mock-intake's", ""), script.name
        assert re.search(r"^# (Seen|Version|Versions):", text, re.MULTILINE), script.name
