"""``mock-intake doctor``: where events would go, and what is wrong with that, told without running anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from mock_intake.cli.main import main
from mock_intake.producers.configuration import Surroundings
from mock_intake.producers.doctor import Diagnosis, Weight, diagnose

KEY = "0123456789abcdef0123456789abcdef"
DATADOG = {"OPENLINEAGE__TRANSPORT__TYPE": "datadog", "DD_API_KEY": KEY, "DD_SITE": "datadoghq.eu"}
HTTP = {"OPENLINEAGE_URL": "https://data-obs-intake.datadoghq.com", "OPENLINEAGE_API_KEY": KEY}
MARQUEZ = '{"type": "http", "url": "https://user:pass@marquez.example.com:5000/x"}'


def of(work: Path, environ: Mapping[str, str], *command: str, agent: Path | None = None) -> Diagnosis:
    return diagnose(Surroundings(environ, work, work), command, agent or work / "none.yaml")


@pytest.mark.parametrize(
    ("environ", "transport", "site"),
    [
        (DATADOG, "datadog to https://data-obs-intake.datadoghq.eu", "data-obs-intake.datadoghq.eu"),
        (HTTP, "http to https://data-obs-intake.datadoghq.com", "data-obs-intake.datadoghq.com"),
        ({"OPENLINEAGE__TRANSPORT": MARQUEZ}, "http to https://marquez.example.com:5000", None),
        ({**DATADOG, "DD_SITE": "http://127.0.0.1:8580"}, "datadog to http://127.0.0.1:8580", None),
    ],
)
def test_it_says_which_transport_would_win_and_whether_that_is_datadogs(
    environ: Mapping[str, str], transport: str, site: str | None, tmp_path: Path
) -> None:
    found = of(tmp_path, environ)
    assert (found.leading[0].transport, found.leading[0].site) == (transport, site)
    assert not found.sick, found.remarks


def test_a_file_wins_over_variables_and_airflow_over_all(tmp_path: Path) -> None:
    (tmp_path / "openlineage.yml").write_text("transport: {type: file, log_file_path: x}\n")
    found = of(tmp_path, {**DATADOG, "AIRFLOW__OPENLINEAGE__TRANSPORT": MARQUEZ})
    client, airflow = found.leading
    assert (client.transport, client.origin) == ("file", f"{tmp_path}/openlineage.yml")
    assert (airflow.reader, airflow.transport) == ("Airflow", "http to https://marquez.example.com:5000")
    assert airflow.origin == "AIRFLOW__OPENLINEAGE__TRANSPORT"
    notes = [remark.text for remark in found.remarks if remark.weight is Weight.NOTE]
    assert "both have a transport; the file wins: file, not datadog to" in notes[0]
    assert notes[1].startswith("Airflow would send to http to https://marquez.example.com:5000")
    assert "pass" not in json.dumps([remark.to_dict() for remark in found.remarks])


def test_a_connection_in_airflows_database_is_not_guessed_at_and_no_fault(tmp_path: Path) -> None:
    found = of(tmp_path, {**DATADOG, "AIRFLOW__OPENLINEAGE__CONFIG_CONN_ID": "lineage"})
    assert [one.transport for one in found.leading][1:] == ["not known"]
    (remark,) = found.remarks
    assert (remark.weight, found.sick) == (Weight.NOTE, False)
    assert "set AIRFLOW_CONN_LINEAGE to what `airflow connections get lineage -o json` shows" in remark.advice


@pytest.mark.parametrize(
    ("environ", "text", "advice"),
    [
        ({}, "No transport is set", "OPENLINEAGE__TRANSPORT__TYPE=datadog"),
        ({**DATADOG, "OPENLINEAGE_DISABLED": "true"}, "no client sends anything", "Unset"),
        ({**DATADOG, "AIRFLOW__OPENLINEAGE__DISABLED": "True"}, "Airflow sends nothing", "False"),
        ({**DATADOG, "DD_SITE": "datadog.eu"}, "'datadog.eu' is no site", "datadoghq.eu"),
        ({**DATADOG, "DD_SITE": "http://127.0.0.1:8580/s/abc"}, "a URL with a path", "end after"),
        ({**DATADOG, "DD_API_KEY": ""}, "No API key is set", "DD_API_KEY"),
        ({**DATADOG, "DD_API_KEY": KEY + "01234567"}, "an application key", "32"),
        ({**DATADOG, "DD_API_KEY": "abc"}, "not of 32 hexadecimal digits", "DD_API_KEY"),
        ({**HTTP, "OPENLINEAGE_ENDPOINT": "lineage"}, "would go to /lineage", "/api/v1/lineage"),
        ({**HTTP, "OPENLINEAGE_URL": "http://data-obs-intake.datadoghq.com"}, "in the open", "https"),
        ({**HTTP, "OPENLINEAGE_API_KEY": ""}, "No API key is set", "OPENLINEAGE_API_KEY"),
        ({**DATADOG, "OPENLINEAGE__TRANSPORT__TYPE": "datdog"}, "no transport of the type 'datdog'", "'datadog'"),
        ({**DATADOG, "OPENLINEAGE__TRANSPORT__TYPE": "noop"}, "sends nothing", "another"),
        ({**DATADOG, "OPENLINEAGE_CONFIG": "nowhere.yml"}, "no file that can be read", "there"),
        ({**DATADOG, "OPENLINAGE_URL": "x"}, "OPENLINAGE_URL is read by nobody", "OPENLINEAGE_URL"),
        ({**DATADOG, "OPENLINEAGE_APIKEY": "x"}, "OPENLINEAGE_APIKEY is read by nobody", "OPENLINEAGE_API_KEY"),
        ({**DATADOG, "OPENLINEAGE_TRANSPORT_TYPE": "x"}, "is read by nobody", "OPENLINEAGE__TRANSPORT__TYPE"),
        ({**DATADOG, "DATADOG_SITE": "x"}, "DATADOG_SITE is read by nobody", "DD_SITE"),
        ({**DATADOG, "AIRFLOW__OPENLINEAGE__NAMESPCE": "x"}, "is read by nobody", "AIRFLOW__OPENLINEAGE__NAMESPACE"),
    ],
)
def test_what_keeps_events_from_arriving_is_told_with_what_to_do(
    environ: Mapping[str, str], text: str, advice: str, tmp_path: Path
) -> None:
    (remark,) = of(tmp_path, environ).remarks
    assert remark.weight is Weight.PROBLEM
    assert text in remark.text
    assert advice in remark.advice


@pytest.mark.parametrize(
    "name",
    ["OPENLINEAGE_NAMESPACE", "OPENLINEAGE__FACETS__ENVIRONMENT_VARIABLES", "OPENLINEAGE__TRANSPORT__MAX_QUEUE_SIZE",
     "OPENLINEAGE_DBT_JOB_NAME", "DD_SERVICE", "DD_TRACE_ENABLED", "DD_LOGS_INJECTION",
     "AIRFLOW__OPENLINEAGE__EXTRACTORS", "DD_TRACE_AGENT_URL", "OPENLINEAGE_SOMETHING_NEW"],
)  # fmt: skip
def test_names_that_somebody_may_read_are_left_in_peace(name: str, tmp_path: Path) -> None:
    assert of(tmp_path, {**DATADOG, name: "x"}).remarks == []


def test_what_the_command_sets_itself_counts(tmp_path: Path) -> None:
    found = of(tmp_path, DATADOG, "env", "DD_SITE=us5.datadoghq.com", "A=b", "python", "job.py", "DD_SITE=not-this")
    assert found.leading[0].site == "data-obs-intake.us5.datadoghq.com"
    spark = of(tmp_path, DATADOG, "spark-submit", "--conf", "spark.openlineage.transport.url=http://marquez:5000")
    assert "spark.openlineage.transport.url, which wins" in spark.remarks[0].text


def test_an_entry_of_netrc_and_a_misspelt_key_of_the_agents_are_found(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine data-obs-intake.datadoghq.eu login me password secret\n")
    (tmp_path / "datadog.yaml").write_text("ol_proxy_config:\n  enabled: true\n  ddurl: datadoghq.eu\n")
    found = of(tmp_path, DATADOG, agent=tmp_path / "datadog.yaml")
    netrc, agent = found.remarks
    assert "has an entry for data-obs-intake.datadoghq.eu" in netrc.text
    assert "ddurl, which the Agent ignores" in agent.text
    assert agent.advice == "Did you mean dd_url?"


def test_a_composite_and_a_url_that_nobody_uses_are_noted(tmp_path: Path) -> None:
    legs = json.dumps({"type": "composite", "transports": [{"type": "datadog"}, json.loads(MARQUEZ)]})
    found = of(tmp_path, {**DATADOG, "OPENLINEAGE__TRANSPORT": legs, "OPENLINEAGE_URL": "http://other:5000"})
    assert not found.sick
    composite, unused = found.remarks
    assert "https://data-obs-intake.datadoghq.eu, https://marquez.example.com:5000" in composite.text
    assert "OPENLINEAGE_URL is set, and not used" in unused.text


def test_the_command_prints_it_all_runs_nothing_and_tells_by_its_exit_code(tmp_path: Path) -> None:
    runner = CliRunner(env={"HOME": str(tmp_path), **DATADOG})
    options = ["doctor", "--agent-config", str(tmp_path / "none.yaml"), "--path", "http"]
    done = runner.invoke(main, [*options, "--", "touch", str(tmp_path / "ran")])
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "ran").exists()
    assert done.stdout.startswith(
        "Python client: datadog to https://data-obs-intake.datadoghq.eu, from OPENLINEAGE__TR"
    )
    assert "a Datadog intake, data-obs-intake.datadoghq.eu" in done.stdout
    assert "  taken out: DD_SITE (was datadoghq.eu)\n" in done.stdout
    assert done.stdout.endswith("Nothing to mend.\n")
    assert KEY not in done.stdout
    sick = runner.invoke(main, [*options, "--format", "json"], env={"DD_SITE": "nowhere.example"})
    assert sick.exit_code == 1
    found = json.loads(sick.stdout)
    assert [remark["weight"] for remark in found["remarks"]] == ["problem"]
    assert found["path"] == "http"
    assert found["settings"]
