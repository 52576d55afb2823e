"""Rules and platforms of other packages: loaded from entry points, judged by like all others, refused with a reason."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mock_intake.datadog import platforms
from mock_intake.judging.catalogue import load_extensions
from mock_intake.rules import outside
from mock_intake.system import extensions
from mock_intake.system.extensions import ExtensionError
from tests.conftest import REPOSITORY
from tests.events import dataset, run_event

PAGE = (REPOSITORY / "docs" / "how-to" / "extend.md").read_text(encoding="utf-8")
COMMAND = Path(sys.executable).parent / "mock-intake"

Install = Callable[..., Path]


def snippet(kind: str) -> str:
    found = re.search(rf"<!-- snippet: {kind} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None, kind
    return found[1]


def entry_points(toml: str) -> str:
    """Entry points as an installer writes them into the metadata of a package."""
    return re.sub(r'^\[project\.entry-points\."(.*)"\]$', r"[\1]", toml, flags=re.MULTILINE).replace('"', "")


def install(site: Path, module: str, points: str, name: str = "acme-lineage") -> Path:
    """A package as if it were installed in this directory."""
    stem = name.replace("-", "_")
    (site / f"{stem}.py").write_text(module, encoding="utf-8")
    metadata = site / f"{stem}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    return site


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the documentation, installed."""
    return install(tmp_path_factory.mktemp("site"), snippet("extension"), entry_points(snippet("entry points")))


def run(site: Path, *arguments: str, code: int = 0) -> str:
    """What the command prints, with the packages in a directory installed."""
    environment = {**os.environ, "PYTHONPATH": str(site), "NO_COLOR": "1"}
    done = subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=site
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_the_documented_rule_is_listed_and_explained(documented: Path) -> None:
    assert f"$ mock-intake rules ACME001\n{run(documented, 'rules', 'ACME001')}" in PAGE
    assert run(documented, "rules").endswith(
        "\nRules of acme-lineage 1.0\n  ACME001 warning A job's namespace is the team that runs it.\n"
    )
    [as_json] = json.loads(run(documented, "rules", "ACME001", "--format", "json"))
    assert as_json["documentation"] == as_json["source"] == "https://wiki.acme.example/lineage"


def test_the_documented_rule_is_judged_by(documented: Path) -> None:
    events = [run_event(inputs=[dataset("top.orders", "acmevault://main"), dataset("top.orders", "acmevault")])]
    file = documented / "events.json"
    file.write_text(json.dumps(events), encoding="utf-8")

    def found(*options: str) -> list[tuple[str, str]]:
        checked = json.loads(run(documented, "check", str(file), "--format", "json", "--fail-on", "error", *options))
        return [(finding["code"], finding["pointer"]) for finding in checked["events"][0]["findings"]]

    assert found() == [("ACME001", "/job/namespace"), ("DD202", "/inputs/1/namespace")]
    assert found("--ignore", "ACME") == [("DD202", "/inputs/1/namespace")]


IN_PROCESS = """
from faker.generator import Generator
from mock_intake.fake import OpenLineageProvider
from mock_intake.judging.catalogue import FAMILIES, JUDGING, RULES
from mock_intake.judging.intake import Intake, Settings
from tests.rules.examples_judged import EVENTS, found
from tests.rules.examples_requests import GOOD, with_body

assert list(FAMILIES) == ["HT", "OL", "DD", "RC", "DS", "ACME"] and list(RULES)[-1] == "ACME001"
assert JUDGING["ACME001"].origin == "acme-lineage 1.0"
trigger, neighbour = EVENTS["ACME001"]
assert [finding.code for finding in found("ACME001", trigger)] == ["ACME001"]
assert "ACME001" not in [finding.code for finding in found("ACME001", neighbour)]
event = OpenLineageProvider(Generator()).broken_event("ACME001")
assert "ACME001" in [finding.code for finding in found("ACME001", event)]
assert [finding.code for finding in Intake().receive(GOOD).findings] == ["ACME001"]
"""


def test_the_documented_rule_has_examples_and_a_family(documented: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_PROCESS], capture_output=True, text=True, timeout=60, check=False,
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(documented)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_name_that_the_page_promises_is_there() -> None:
    from mock_intake import rules

    named = set(re.findall(r"`(On\w+|\w+View|DatasetName|ABSENT)\b", PAGE))
    assert named >= {"OnEvent", "OnFacet", "OnName", "OnRun", "EventView", "FacetView", "RunView"}
    assert named <= set(rules.__all__)


# What cannot be used.


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs packages for this process, which looks again for what there is."""
    caches = (extensions._with_extensions, extensions._entry_points, outside.outside_families, platforms._by_scheme)
    monkeypatch.syspath_prepend(str(tmp_path))
    for cache in caches:
        cache.cache_clear()

    def with_package(module: str, points: str, name: str = "acme-lineage") -> Path:
        return install(tmp_path, module, points, name)

    yield with_package
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()
    for name in [name for name in sys.modules if name.startswith(("acme_", "other_"))]:
        del sys.modules[name]


RULES = "[mock_intake.rules]\n"
PLATFORMS = "[mock_intake.platforms]\n"
MODULE = snippet("extension")
ACME = RULES + "ACME = acme_lineage"

UNUSABLE: list[tuple[str, str, str]] = [
    (MODULE, RULES + "ACME = acme_lineag", "cannot be loaded: ModuleNotFoundError: No module named 'acme_lineag'"),
    (MODULE, RULES + "ACME = acme_lineage:NOTHING", "cannot be loaded: AttributeError"),
    (MODULE.replace("    trigger=", "    wrong="), ACME, "unexpected keyword argument 'wrong'"),
    (MODULE.replace("ACME001", "acme-1"), ACME, "RuleError: 'acme-1' is no code of a rule"),
    (
        MODULE.replace("A job's namespace is the team that runs it.", " "),
        ACME,
        "RuleError: the rule ACME001 has no requirement",
    ),
    (MODULE, RULES + "acme = acme_lineage", "the name of the entry point is the prefix of its codes: letters in upper"),
    (MODULE, RULES + "DDX = acme_lineage", "cannot be told from those of DD (mock-intake); take another one"),
    (MODULE, RULES + "D = acme_lineage", "cannot be told from those of DD (mock-intake); take another one"),
    (MODULE, RULES + "EMCA = acme_lineage", "the code ACME001 does not begin with EMCA"),
    (MODULE, RULES + "ACME = acme_lineage:TEAMS", "'sales' is no rule: mock_intake.rules.rule makes one of a function"),
    (MODULE, RULES + "ACME = acme_lineage:VAULT", "a module with rules is needed, or an iterable of them"),
    ("", ACME, "a module with rules is needed, or an iterable of them"),
    (MODULE + MODULE.replace("def job", "def second"), ACME, "two rules have the code ACME001"),
    (
        MODULE.replace("OnEvent(kinds=(\"RunEvent\", \"JobEvent\"))", "STAGE").replace(
            "TEAMS = ", "from mock_intake.datadog.rules.bodies import TAKEN as STAGE\nTEAMS = "
        ),
        ACME,
        "there are OnEvent, OnFacet, OnName, OnRun",
    ),
    (MODULE, PLATFORMS + "acme = acme_lineage:TEAMS", "what is needed is a Platform, or an iterable of them"),
    (MODULE, PLATFORMS + "acme = acme_lineage:job_of_no_team", "what is needed is a Platform, or an iterable of them"),
    (
        MODULE.replace('("acmevault",)', '("acmevault", "pg")'),
        PLATFORMS + "acme = acme_lineage:VAULT",
        "its platform Acme Vault has the scheme pg that PostgreSQL has already",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("module", "points", "reason"), UNUSABLE, ids=[reason[:60] for _, _, reason in UNUSABLE])
def test_what_cannot_be_used_is_refused_with_the_reason(
    installed: Install, module: str, points: str, reason: str
) -> None:
    installed(module, points)
    with pytest.raises(ExtensionError) as refused:
        load_extensions()
    assert str(refused.value).startswith("acme-lineage 1.0: ")
    assert reason in str(refused.value)


def test_two_packages_cannot_have_one_family(installed: Install) -> None:
    installed(MODULE, ACME)
    installed(MODULE.replace("ACME", "ACMEX"), RULES + "ACMEX = other_lineage", "other-lineage")
    with pytest.raises(
        ExtensionError, match=r"other-lineage 1.0: .* cannot be told from those of ACME \(acme-lineage 1"
    ):
        load_extensions()


def test_packages_of_several_families_are_all_loaded(installed: Install) -> None:
    installed(MODULE, ACME)
    installed(MODULE.replace("ACME001", "SHOP17"), RULES + "SHOP = other_lineage", "other-lineage")
    assert [(of.prefix, of.title) for of in outside.outside_families()] == [
        ("ACME", "Rules of acme-lineage 1.0"),
        ("SHOP", "Rules of other-lineage 1.0"),
    ]
    assert [rule.code for rule in outside.outside_rules()] == ["ACME001", "SHOP17"]


def test_what_cannot_be_used_is_told_by_every_command(tmp_path: Path) -> None:
    site = install(tmp_path, MODULE, RULES + "acme = acme_lineage")
    said = "Error: acme-lineage 1.0: its rules acme cannot be used: the name of the entry point is the prefix"
    assert said in run(site, "rules", code=2)
    assert said in run(site, "serve", "--port", "0", code=2)


RAISING = MODULE.replace("    team = event", "    team = event.nothing_of_that_kind\n    team = event")
FOREIGN = MODULE.replace("yield rule.found(", "yield str(").replace(
    '"/job/namespace", f"no team is called {team}", expected=f"one of {\', \'.join(TEAMS)}", actual=team', "team"
)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (RAISING, "acme-lineage 1.0: its rule ACME001 raised AttributeError: 'EventView' object has no attribute"),
        (FOREIGN, "acme-lineage 1.0: its rule ACME001 yielded 'prod', which is no finding of it"),
    ],
)
def test_a_rule_that_is_wrong_is_told_when_it_is(tmp_path: Path, module: str, said: str) -> None:
    site = install(tmp_path, module, ACME)
    (site / "events.json").write_text(json.dumps(run_event()), encoding="utf-8")
    assert said in run(site, "check", "events.json", code=2)


def test_the_intake_says_whose_rule_it_was_that_kept_an_event_from_being_judged(tmp_path: Path) -> None:
    site = install(tmp_path, RAISING, ACME)
    code = (
        "import logging; logging.disable(); from mock_intake.judging.intake import Intake\n"
        "from tests.rules.examples_requests import GOOD\n"
        "response = Intake().receive(GOOD).response; print(response.status_code, response.body.decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.stdout.startswith("500 ")
    assert "acme-lineage 1.0: its rule ACME001 raised AttributeError" in done.stdout
