"""What becomes of the settings that a producer reads, asked of the real client in what we make of its surroundings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml  # type: ignore[import-untyped]
from openlineage.client import OpenLineageClient
from openlineage.client.transport import Transport
from openlineage.client.transport.transform import TransformTransport

from mock_intake.producers.configuration import Surroundings, of_variables
from mock_intake.producers.environment import ProducerEnvironment, What, lines_of, producer_environment
from mock_intake.producers.paths import PATHS, Addresses, PathName
from mock_intake.producers.settings import VARIABLES, Role, setting_of
from mock_intake.producers.transports import addresses_of, in_place_of, in_words, real_host

KEY = "0123456789abcdef0123456789abcdef"
URL = "http://127.0.0.1:8580"
AGENT = "http://127.0.0.1:8126"
PRODUCTION = "https://lineage.example.com"
REAL_INTAKE = "https://data-obs-intake.datadoghq.com"
TRANSFORMER = "tests.settings.as_etl.OwnedBy"


@pytest.fixture
def where(tmp_path: Path) -> Addresses:
    (tmp_path / "ca.pem").touch()
    return Addresses(URL, KEY, AGENT, "http://127.0.0.1:8581", ("127.0.0.1", 8443), tmp_path / "ca.pem")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The working directory; ``home`` beside it is the home."""
    for name in ("work", "home/.openlineage", "home/airflow"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path / "work"


def led(
    work: Path,
    where: Addresses,
    path: PathName = "datadog",
    environ: Mapping[str, str] | None = None,
    *,
    clean: bool = False,
) -> ProducerEnvironment:
    environ = environ or {}
    around = Surroundings({"HOME": str(work.parent / "home"), "PATH": "/bin", **environ}, work, work.parent / "home")
    made = producer_environment(path, where, around, work.parent / "ours", clean=clean)
    made.write_files()
    return made


@pytest.fixture
def client(work: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes the real client in an environment, and in the working directory."""
    made = []

    def make(environment: Mapping[str, str], config: dict[str, Any] | None = None) -> OpenLineageClient:
        for name in os.environ:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(work)
        made.append(OpenLineageClient(config=config))
        return made[-1]

    yield make
    for each in made:
        each.close()


def place(transport: Any) -> str:
    """Where the real client's transport sends to."""
    http = getattr(transport, "http", transport)
    return f"{http.kind} {http.url}/{http.endpoint}"


def named(made: ProducerEnvironment, what: What) -> list[str]:
    return [change.name for change in made.changes if change.what is what]


FILE = {
    "transport": {"type": "http", "url": PRODUCTION, "auth": {"type": "api_key", "apiKey": "secret-of-production"}},
    "facets": {"environment_variables": ["STAGE"]},
    "filters": [{"type": "exact", "match": "noisy"}],
    "tags": {"job": {"team": "orders"}},
}


@pytest.mark.parametrize("path", ["http", "datadog", "async", "agent"])
@pytest.mark.parametrize("at", ["work/openlineage.yml", "home/.openlineage/openlineage.yml", "work/conf/own.yml"])
def test_of_a_file_the_transport_alone_is_replaced(
    at: str, path: PathName, work: Path, where: Addresses, client: Any
) -> None:
    file = work.parent / at
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(FILE))
    config = {"OPENLINEAGE_CONFIG": "conf/own.yml"} if "own" in at else {}
    made = led(work, where, path, {**config, "OPENLINEAGE__TAGS__RUN": '{"stage": "test"}'})
    of = client({**made.over(config), "OPENLINEAGE__TAGS__RUN": '{"stage": "test"}'})
    endpoint = "openlineage/api/v1/lineage" if path == "agent" else "api/v1/lineage"
    assert place(of.transport) == f"http {AGENT if path == 'agent' else URL}/{endpoint}"
    assert of.config.facets.environment_variables == ["STAGE"]
    assert [each.match for each in of.config.filters] == ["noisy"]
    assert of.config.tags.job == {"team": "orders"}
    assert of.config.tags.run == {"stage": "test"}
    assert f"{file}: transport (was http to {PRODUCTION})" in "\n".join(lines_of(made.changes))
    assert f"{file}: facets, filters, tags" in named(made, What.KEPT)
    for written in made.files:
        assert "secret-of-production" not in written.read_text()
        assert written.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", [path for path in PATHS if path != "custom"])
def test_every_path_has_the_client_send_there_whatever_leads_it(
    path: PathName, work: Path, where: Addresses, client: Any
) -> None:
    leading = {
        "OPENLINEAGE_URL": PRODUCTION,
        "OPENLINEAGE_API_KEY": "secret-of-production",
        "OPENLINEAGE_ENDPOINT": "elsewhere",
        "OPENLINEAGE__TRANSPORT": json.dumps(FILE["transport"]),
        "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip",
        "OPENLINEAGE_DISABLED": "true",
        "DD_SITE": "datadoghq.eu",
        "DD_API_KEY": "secret-of-production",
        "https_proxy": PRODUCTION,
    }
    made = led(work, where, path, leading)
    of = client(made.over(leading))
    site = "https://data-obs-intake.datadoghq.com"
    assert place(of.transport).split()[1].startswith(site if path in ("proxy", "intercept") else "http://127.0.0.1:8")
    by_hand = client({**leading, **made.by_hand()})
    assert place(by_hand.transport) == place(of.transport)
    assert type(by_hand.transport) is type(of.transport)
    told = "\n".join(lines_of(made.changes))
    assert "taken out: OPENLINEAGE_DISABLED (was true): no event would have been sent" in told
    assert f"OPENLINEAGE_URL (was {PRODUCTION})" in told
    assert f"OPENLINEAGE__TRANSPORT (was http to {PRODUCTION})" in told
    assert "DD_SITE (was datadoghq.eu)" in told
    assert "secret" not in told


@pytest.mark.parametrize("way", ["file", "variables", "variable"])
def test_what_transforms_events_stays_around_ours(way: str, work: Path, where: Addresses, client: Any) -> None:
    inner = {"type": "datadog", "apiKey": KEY[::-1], "site": "datadoghq.eu"}
    transform = {
        "type": "transform",
        "transformer_class": TRANSFORMER,
        "transformer_properties": {"owner": "orders"},
        "transport": inner,
    }
    environ = {}
    if way == "file":
        (work / "openlineage.yml").write_text(yaml.safe_dump({"transport": transform}))
    elif way == "variable":
        environ["OPENLINEAGE__TRANSPORT"] = json.dumps(transform)
    else:
        environ = {
            f"OPENLINEAGE__TRANSPORT__{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in transform.items()
        }
    for path in ("http", "datadog", "agent"):
        made = led(work, where, path, environ)
        of = client(made.over(environ)).transport
        assert isinstance(of, TransformTransport)
        assert type(of.transformer).__name__ == "OwnedBy"
        assert of.transformer.properties == {"owner": "orders"}
        assert place(of.transport).startswith(f"http {AGENT if path == 'agent' else URL}/")
        assert f"{TRANSFORMER} stays, around ours" in "\n".join(lines_of(made.changes))


def test_a_composite_becomes_one_and_is_told(work: Path, where: Addresses, client: Any) -> None:
    legs = [{"type": "console"}, {"type": "http", "url": PRODUCTION}, {"type": "datadog", "site": "datadoghq.eu"}]
    (work / "openlineage.yml").write_text(yaml.safe_dump({"transport": {"type": "composite", "transports": legs}}))
    made = led(work, where)
    assert place(client(made.over({})).transport) == f"http {URL}/api/v1/lineage"
    (change,) = [change for change in made.changes if change.matters]
    assert str(change) == (
        f"{work}/openlineage.yml: transport (was composite of console, http to {PRODUCTION}, datadog to "
        "https://data-obs-intake.datadoghq.eu): here all goes one way instead of 3"
    )


def test_what_the_leg_to_datadog_is_wrapped_in_stays() -> None:
    ours = {"type": "http", "url": URL}
    wrapped = {"type": "transform", "transformer_class": "a.B", "transport": {"type": "datadog"}}
    by_name = {"type": "composite", "transports": {"other": {"type": "http", "url": PRODUCTION}, "dd": wrapped}}
    assert in_place_of(by_name, ours) == {**wrapped, "transport": ours}
    assert in_place_of({"type": "composite", "transports": []}, ours) == ours
    endless: dict[str, Any] = {"type": "transform"}
    endless["transport"] = endless
    assert addresses_of(endless) == []
    assert real_host({"type": "datadog"}, "us5.datadoghq.com") == "data-obs-intake.us5.datadoghq.com"
    assert real_host({"type": "http", "url": "https://data-obs-intake.datadoghq.com/x"}) is not None
    assert in_words({"type": "http", "url": "https://user:pass@host:80/path?key=1"}) == "http to https://host:80"


AIRFLOW_FILE = {**FILE, "tags": {"job": {"team": "airflow"}}}


@pytest.mark.parametrize("way", ["file", "connection", "connection as URI", "cfg file"])
def test_of_airflows_configuration_the_transport_alone_is_replaced(
    way: str, work: Path, where: Addresses, client: Any
) -> None:
    (work / "airflow.yml").write_text(yaml.safe_dump(AIRFLOW_FILE))
    environ = {"AIRFLOW__OPENLINEAGE__NAMESPACE": "my_ns"}
    if way == "file":
        environ["AIRFLOW__OPENLINEAGE__CONFIG_PATH"] = str(work / "airflow.yml")
    elif way.startswith("connection"):
        environ["AIRFLOW__OPENLINEAGE__CONFIG_CONN_ID"] = "lineage"
        extra = json.dumps(AIRFLOW_FILE)
        as_json = json.dumps({"conn_type": "generic", "extra": extra})
        environ["AIRFLOW_CONN_LINEAGE"] = as_json if way == "connection" else f"generic://?__extra__={quote(extra)}"
    else:
        text = f"[openlineage]\nconfig_path = {work}/airflow.yml\ndisabled = True\n"
        (work.parent / "home/airflow/airflow.cfg").write_text(text)
    made = led(work, where, "datadog", environ)
    inside = made.over(environ)
    assert inside["AIRFLOW__OPENLINEAGE__NAMESPACE"] == "my_ns"
    assert inside["AIRFLOW__OPENLINEAGE__TRANSPORT"] == inside["AIRFLOW__OPENLINEAGE__CONFIG_CONN_ID"] == ""
    assert inside.get("AIRFLOW__OPENLINEAGE__DISABLED") == ("False" if way == "cfg file" else None)
    # As the provider has the client made.
    config = yaml.safe_load(Path(inside["AIRFLOW__OPENLINEAGE__CONFIG_PATH"]).read_text())
    of = client(inside, config)
    assert place(of.transport) == f"http {URL}/api/v1/lineage"
    assert of.config.tags.job == {"team": "airflow"}
    told = "\n".join(lines_of(made.changes))
    assert "facets, filters, tags" in told
    assert ("disabled: no event would have been sent" in told) == (way == "cfg file")


def test_a_connection_that_cannot_be_read_is_told_with_what_to_do(work: Path, where: Addresses) -> None:
    """In Airflow's database: it leads nowhere any more, and what else it sets is missing."""
    made = led(work, where, "datadog", {"AIRFLOW__OPENLINEAGE__CONFIG_CONN_ID": "lineage"})
    (told,) = [str(change) for change in made.changes if change.matters]
    assert told.startswith(
        "AIRFLOW__OPENLINEAGE__CONFIG_CONN_ID (lineage): is kept in Airflow's database or by a secrets"
    )
    assert told.endswith("set AIRFLOW_CONN_LINEAGE to what `airflow connections get lineage -o json` shows.")
    environ = {"AIRFLOW__OPENLINEAGE__CONFIG_CONN_ID": "lineage", "AIRFLOW_CONN_LINEAGE": "http://user:secret@host/"}
    told = "\n".join(lines_of(led(work, where, "datadog", environ).changes))
    assert "(lineage): is in AIRFLOW_CONN_LINEAGE, which has no extra that is a JSON object: what else it sets" in told
    assert "secret" not in told
    assert made.variables["AIRFLOW__OPENLINEAGE__CONFIG_CONN_ID"] == ""


@pytest.mark.parametrize("path", ["http", "agent"])
@pytest.mark.parametrize("own", ["", "tags: {job: {team: orders}}\n"], ids=["no file", "a file"])
def test_the_file_alone_leads_a_client_that_reads_no_variables_beside_it(
    own: str, path: PathName, work: Path, where: Addresses, client: Any
) -> None:
    """As the Java client does (tried with 1.54): what variables say stands there too, unless there was a file."""
    transport = f"transport: {{type: http, url: '{PRODUCTION}'}}\n"
    if own:
        (work / "openlineage.yml").write_text(transport + own)
    environ = {"OPENLINEAGE__TAGS__RUN": '{"stage": "nightly"}', "OPENLINEAGE__TRANSPORT__TYPE": "console"}
    made = led(work, where, path, environ)
    file = yaml.safe_load(Path(made.variables["OPENLINEAGE_CONFIG"]).read_text())
    there = file.pop("transport")
    assert there["type"] == "http"
    assert (there["url"], there.get("endpoint")) == {
        "http": (URL, None),
        "agent": (AGENT, "openlineage/api/v1/lineage"),
    }[path]
    assert there.get("auth") == ({"type": "api_key", "apiKey": KEY} if path == "http" else None)
    assert file == ({"tags": {"job": {"team": "orders"}}} if own else {"tags": {"run": {"stage": "nightly"}}})
    of = client(made.over(environ))
    assert of.config.tags.run == {"stage": "nightly"}, "the Python client reads both"


def test_what_makes_content_is_kept_unless_all_is_to_be_clean(work: Path, where: Addresses, client: Any) -> None:
    content = {
        "OPENLINEAGE_NAMESPACE": "my_ns",
        "OPENLINEAGE_PARENT_ID": "a/b/c",
        "OPENLINEAGE__FILTERS": '[{"type": "exact", "match": "noisy"}]',
        "AIRFLOW__OPENLINEAGE__DISABLED_FOR_OPERATORS": "a.B",
        "DD_ENV": "prod",
        "DD_TAGS": "team:orders",
    }
    (work / "openlineage.yml").write_text(yaml.safe_dump({"tags": {"job": {"team": "orders"}}}))
    made = led(work, where, "datadog", content)
    inside = made.over(content)
    assert content.items() <= inside.items()
    assert inside["OPENLINEAGE_CONFIG"] == str(work / "openlineage.yml"), "a file without a transport is left as it is"
    assert set(content) <= set(named(made, What.KEPT))
    clean = led(work, where, "datadog", content, clean=True)
    assert not content.keys() & clean.over(content).keys()
    assert set(named(clean, What.TAKEN_OUT)) == set(content)
    assert client(clean.over(content)).config.tags.job == {}


def test_a_file_that_cannot_be_read_leads_nobody_and_is_told(work: Path, where: Addresses, client: Any) -> None:
    for text in ("transport: [", "- a\n- b\n"):
        (work / "openlineage.yml").write_text(text)
        made = led(work, where)
        (change,) = made.changes
        assert change.what is What.LEFT
        assert change.matters
        assert place(client(made.over({})).transport) == f"http {URL}/api/v1/lineage"
    (work / "openlineage.yml").unlink()
    (work / "openlineage.yml").mkdir()
    assert led(work, where).changes == []


def test_the_path_custom_leaves_files_alone_and_says_so(work: Path, where: Addresses) -> None:
    (work / "openlineage.yml").write_text(yaml.safe_dump(FILE))
    made = led(work, where, "custom", {"OPENLINEAGE_URL": PRODUCTION, "OPENLINEAGE_NAMESPACE": "my_ns"})
    assert made.variables["MOCK_INTAKE_URL"] == URL
    assert made.variables["MOCK_INTAKE_KEY"] == KEY
    assert "OPENLINEAGE_CONFIG" not in made.variables
    assert made.removed == ["OPENLINEAGE_URL"]
    (change,) = [change for change in made.changes if change.matters]
    assert "it leads whoever reads it" in str(change)


def test_producers_that_demand_an_address_have_one_on_every_path(where: Addresses, work: Path) -> None:
    for path in PATHS:
        given = led(work, where, path).variables
        assert ("OPENLINEAGE_URL" in given) == (path != "custom")
        assert ("OPENLINEAGE_API_KEY" in given) == (path not in ("custom", "agent"))


def test_http_and_agent_set_what_the_java_client_reads(work: Path, where: Addresses) -> None:
    """It reads neither OPENLINEAGE_URL nor OPENLINEAGE_API_KEY, but the transport, as JSON or key by key."""
    assert of_variables(led(work, where, "http").variables)["transport"] == {
        "type": "http",
        "url": URL,
        "auth": {"type": "api_key", "apiKey": KEY},
    }
    assert of_variables(led(work, where, "agent").variables)["transport"] == {
        "type": "http",
        "url": AGENT,
        "endpoint": "openlineage/api/v1/lineage",
    }


SOCKET = "unix:///run/of-a-test.socket"
OWN_SOCKET = "unix:///var/run/datadog/apm.socket"


@pytest.mark.parametrize(
    ("environ", "file", "address"),
    [
        ({}, "", AGENT),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": PRODUCTION}, "", AGENT),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": OWN_SOCKET}, "", SOCKET),
        ({}, f"transport: {{type: http, url: '{OWN_SOCKET}'}}\n", SOCKET),
        ({}, f"transport: {{type: composite, transports: [{{type: http, url: '{OWN_SOCKET}'}}]}}\n", SOCKET),
    ],
)
def test_what_goes_by_a_socket_goes_by_that_of_this_agent(
    environ: Mapping[str, str], file: str, address: str, work: Path, where: Addresses
) -> None:
    """The Java client, whose URL may be one; tracers are led there in any case."""
    if file:
        (work / "openlineage.yml").write_text(file)
    made = led(work, replace(where, agent_socket_url=SOCKET), "agent", environ)
    assert made.transport["url"] == address
    assert yaml.safe_load(Path(made.variables["OPENLINEAGE_CONFIG"]).read_text())["transport"]["url"] == address
    assert made.variables["OPENLINEAGE__TRANSPORT__URL"] == address
    assert made.variables["DD_TRACE_AGENT_URL"] == SOCKET
    assert made.variables["OPENLINEAGE_URL"] == AGENT
    without = led(work, where, "agent", environ)
    assert without.transport["url"] == AGENT, "where there is no socket"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("OPENLINEAGE__TRANSPORT__TRANSPORTS__DEFAULT_HTTP__URL", Role.LEADS),
        ("OPENLINEAGE__TRANSPORT", Role.LEADS),
        ("DD_DOGSTATSD_URL", Role.LEADS),
        ("DD_TRACE_AGENT_PORT", Role.LEADS),
        ("DD_URL", Role.LEADS),
        ("no_proxy", Role.LEADS),
        ("AIRFLOW__OPENLINEAGE__TRANSPORT_CMD", Role.LEADS),
        ("AIRFLOW__OPENLINEAGE__DISABLED", Role.SWITCHES_OFF),
        ("AIRFLOW__OPENLINEAGE__DISABLED_FOR_OPERATORS", Role.MAKES_CONTENT),
        ("OPENLINEAGE_WHATEVER_COMES", Role.MAKES_CONTENT),
        ("DD_HOSTNAME", Role.MAKES_CONTENT),
        ("DD_TRACE_ENABLED", Role.MAKES_CONTENT),
        ("MOCK_INTAKE_REDIRECT_CA", Role.LEADS),
        ("MOCK_INTAKE_SERVE_PORT", None),
        ("AIRFLOW__CORE__DAGS_FOLDER", None),
        ("PATH", None),
    ],
)
def test_what_the_table_does_not_name_is_told_by_how_it_is_called(name: str, role: Role | None) -> None:
    found = setting_of(name)
    assert (found.role if found else None) is role


def test_no_entry_of_the_table_is_hidden_by_one_before_it() -> None:
    for setting in VARIABLES:
        example = setting.name.replace("(URL|HOST|SITE|PORT|KEY)", "HOST").replace("(URL|HOST)", "URL")
        example = example.replace("(URL|KEY|REDIRECT*)", "KEY").replace("*", "x")
        assert setting_of(example) is setting, example


def test_the_transport_is_the_one_that_the_real_client_would_use(work: Path, client: Any) -> None:
    """What we read of an environment is what the client reads of it."""
    from mock_intake.producers.configuration import Configuration, client_transport

    for environ in (
        {"OPENLINEAGE__TRANSPORT": '{"type": "http", "url": "http://a"}', "OPENLINEAGE__TRANSPORT__URL": "http://b"},
        {"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": "http://b"},
        {"OPENLINEAGE_URL": "http://c"},
        {},
    ):
        of: Transport = client(environ).transport
        ours = client_transport(environ, Configuration())
        assert (ours or {"type": "console"})["type"] == of.kind
        assert (ours or {}).get("url") == getattr(of, "url", None)


@pytest.mark.parametrize(
    ("path", "address"), [("http", URL), ("agent", AGENT), ("proxy", REAL_INTAKE), ("intercept", REAL_INTAKE)]
)
def test_the_file_holds_what_leads_the_java_client(
    path: PathName, address: str, work: Path, where: Addresses, client: Any
) -> None:
    """It reads no variables once it has found a file: openlineage-java 1.54.0 ends where that has no transport."""
    (work / "openlineage.yml").write_text(
        f"transport: {{type: http, url: '{PRODUCTION}'}}\ntags: {{job: {{team: a}}}}\n"
    )
    made = led(work, where, path)
    content = yaml.safe_load(Path(made.variables["OPENLINEAGE_CONFIG"]).read_text())
    assert content["transport"]["type"] == "http"
    assert content["transport"]["url"] == address
    assert content["transport"].get("auth") == (None if path == "agent" else {"type": "api_key", "apiKey": KEY})
    assert content["tags"] == {"job": {"team": "a"}}
    of = client(made.over({})).transport
    assert (of.kind, of.url) == ("http", address), "the Python client reads the same file, which goes before variables"
