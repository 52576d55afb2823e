"""What is told of datasets that would not join, word for word (DS)."""

from __future__ import annotations

import pytest

from mock_intake.datadog.rules import DATASETS
from mock_intake.model.findings import Severity
from tests.events import dataset, dataset_event
from tests.rules.examples_datasets import POSTGRES, DatasetId, written_and_read
from tests.rules.examples_judged import SEQUENCES, FindingText, only, told, views_of

ONE = f"{POSTGRES} shop.public.orders"

PINNED: list[tuple[str, str, str, str, str]] = [
    (
        "DS101",
        ONE,
        f"{POSTGRES} shop.public.Orders",
        "upper and lower case",
        (
            "Use the case that the platform itself reports (Snowflake: upper, PostgreSQL: lower). "
            f"It would be {ONE}. A name in quotes keeps its case: where these are two, write the quotes."
        ),
    ),
    (
        "DS102",
        ONE,
        "postgresql://db:5432 shop.public.orders",
        "the scheme's spelling",
        "Use the scheme of the naming table: postgres, s3, gs, abfss.",
    ),
    (
        "DS103",
        ONE,
        "postgres://db shop.public.orders",
        "the default port",
        "Write the port always, as the naming table has it.",
    ),
    (
        "DS104",
        "s3://lake raw/orders",
        "s3://lake /raw/orders",
        "slashes",
        "Begin, join and end paths in one way in all jobs; namespaces end without a slash.",
    ),
    (
        "DS105",
        ONE,
        f'{POSTGRES} shop.public."orders"',
        "quotes",
        "Leave quotes out, but for a part that has a dot in it.",
    ),
    (
        "DS106",
        ONE,
        "postgresql://db shop.public.orders",
        "the scheme's spelling and the default port",
        "Build all names with one function, after the naming table.",
    ),
    (
        "DS107",
        ONE,
        f'"{POSTGRES}" "shop.public.orders "',
        "white space, or in characters that nobody sees",
        "Strip what comes from files and environment variables before it becomes a name.",
    ),
]


def test_every_rule_has_its_words_here() -> None:
    assert [code for code, *_ in PINNED] == list(DATASETS)


@pytest.mark.parametrize(("code", "one", "other", "ways", "advice"), PINNED)
def test_the_finding_reads(code: str, one: str, other: str, ways: str, advice: str) -> None:
    finding = only(views_of(SEQUENCES[code][0]).dataset_findings(), code)
    message = f"{other} and {one} differ only in {ways}, so they would not join"
    assert told(finding) == FindingText("", message, one, other, advice)
    assert finding.severity is Severity.WARNING


SAME: list[tuple[str, DatasetId, DatasetId]] = [
    ("DS101", ("snowflake://acme-prod", "SHOP.PUBLIC.ORDERS"), ("snowflake://ACME-PROD", "shop.public.orders")),
    ("DS102", ("s3://lake", "raw/orders"), ("s3a://lake", "raw/orders")),
    ("DS102", ("gs://lake", "raw/orders"), ("gcs://lake", "raw/orders")),
    ("DS103", ("mysql://db", "shop.orders"), ("mysql://db:3306", "shop.orders")),
    ("DS104", ("s3://lake", "raw/orders"), ("s3://lake/", "raw/orders")),
    ("DS104", ("s3://lake", "raw/orders"), ("s3://lake", "raw//orders/")),
    ("DS105", ("mssql://db:1433", "shop.dbo.orders"), ("mssql://db:1433", "[shop].[dbo].[orders]")),
    ("DS105", ("bigquery", "acme.shop.orders"), ("bigquery", "`acme`.`shop`.`orders`")),
    ("DS105", ("bigquery", "acme.shop.orders"), ("bigquery", "`acme.shop.orders`")),
    ("DS106", (POSTGRES, "shop.public.orders"), (POSTGRES, 'SHOP.PUBLIC."orders"')),
]


@pytest.mark.parametrize(("code", "one", "other"), SAME)
def test_two_ways_of_writing_one_dataset_are_told_of(code: str, one: DatasetId, other: DatasetId) -> None:
    findings = views_of(written_and_read(one, other)).dataset_findings()
    assert [finding.code for finding in findings] == [code]


DIFFERENT: list[tuple[DatasetId, DatasetId]] = [
    ((POSTGRES, "shop.public.orders"), (POSTGRES, "shop.public.orders")),
    ((POSTGRES, "shop.public.orders"), ("postgres://db:15432", "shop.public.orders")),
    (("mysql://db:5432", "shop.orders"), ("mysql://db", "shop.orders")),
    (("s3://lake", "raw/orders"), ("gs://lake", "raw/orders")),
    (("s3://lake", "raw/orders"), ("s3://lake", "rawo/rders")),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_was_not_meant_to_be_one_is_no_matter(one: DatasetId, other: DatasetId) -> None:
    assert views_of(written_and_read(one, other)).dataset_findings() == ()


CASEFUL: list[tuple[str, str]] = [
    ("s3://lake", "raw/{}"),
    ("s3a://lake", "raw/{}"),
    ("gs://lake", "raw/{}"),
    ("gcs://lake", "raw/{}"),
    ("abfss://raw@acme.dfs.core.windows.net", "shop/{}"),
    ("abfs://raw@acme.dfs.core.windows.net", "shop/{}"),
    ("wasbs://raw@acme.blob.core.windows.net", "shop/{}"),
    ("dbfs://adb-4711.11.azuredatabricks.net", "/mnt/{}"),
    ("hdfs://namenode:8020", "/warehouse/{}"),
    ("file", "/srv/{}"),
    ("file://host.acme.example", "/srv/{}"),
    ("kafka://broker:9092", "shop.{}"),
    ("pubsub", "topic:acme-prod:{}"),
]


@pytest.mark.parametrize(("namespace", "pattern"), CASEFUL)
def test_names_that_differ_in_case_are_no_more_than_an_info_where_they_can_rightly_be_two(
    namespace: str, pattern: str
) -> None:
    one, other = pattern.format("orders"), pattern.format("Orders")
    [finding] = views_of(written_and_read((namespace, one), (namespace, other))).dataset_findings()
    assert (finding.code, finding.severity) == ("DS101", Severity.INFO)
    assert told(finding) == FindingText(
        "",
        f"{namespace} {other} and {namespace} {one} differ only in upper and lower case, so they would not join",
        f"{namespace} {one}",
        f"{namespace} {other}",
        "Nothing to do if these are two: names differ in case there. Else write it alike.",
    )


@pytest.mark.parametrize(
    ("code", "one", "other"),
    [
        ("DS104", ("s3://lake", "raw/orders"), ("s3://lake", "/raw/orders")),
        ("DS106", ("s3://lake", "raw/orders"), ("s3://lake", "/raw/Orders")),
        ("DS101", ("snowflake://acme-prod", "SHOP.PUBLIC.ORDERS"), ("snowflake://acme-prod", "shop.public.orders")),
    ],
)
def test_every_other_difference_is_a_warning(code: str, one: DatasetId, other: DatasetId) -> None:
    [finding] = views_of(written_and_read(one, other)).dataset_findings()
    assert (finding.code, finding.severity) == (code, Severity.WARNING)


def compared(*datasets: DatasetId) -> list[tuple[str | None, str | None]]:
    """What is expected and what is there, by finding, of datasets that come in this order."""
    views = views_of([dataset_event(dataset=dataset(name, namespace)) for namespace, name in datasets])
    return [(finding.expected, finding.actual) for finding in views.dataset_findings()]


def test_each_way_of_writing_is_told_once_against_the_first_of_those_named_equally_well() -> None:
    names = ["a.b.c", "a.b.C", "a.b.C", "A.b.c", "a.b.c"]
    expected = f"{POSTGRES} a.b.c"
    assert compared(*((POSTGRES, name) for name in names)) == [
        (expected, f"{POSTGRES} a.b.C"),
        (expected, f"{POSTGRES} A.b.c"),
    ]


def test_the_dataset_that_is_named_best_is_expected_wherever_it_comes() -> None:
    table = "shop.public.orders"
    assert compared(("postgresql://db", table), ("postgresql://db:5432", table), (POSTGRES, table)) == [
        (f"{POSTGRES} {table}", f"postgresql://db {table}"),
        (f"{POSTGRES} {table}", f"postgresql://db:5432 {table}"),
    ]


def test_of_names_that_are_all_wrong_the_one_with_the_fewest_issues_is_expected() -> None:
    table = "public.orders"
    assert compared(("postgres://db", table), (POSTGRES, table)) == [(f"{POSTGRES} {table}", f"postgres://db {table}")]


MAY_BE_TWO: list[tuple[str, DatasetId, DatasetId]] = [
    ("DS101", ("bigquery", "shop.sales.orders"), ("bigquery", "shop.sales.Orders")),
    ("DS101", ("mysql://db:3306", "shop.orders"), ("mysql://db:3306", "shop.Orders")),
    ("DS101", ("s3://lake", "raw/orders"), ("s3://lake", "raw/Orders")),
]
SURELY_ONE: list[tuple[str, DatasetId, DatasetId]] = [
    ("DS101", (POSTGRES, "shop.public.orders"), (POSTGRES, "shop.public.Orders")),
    ("DS101", ("mysql://db:3306", "shop.orders"), ("mysql://DB:3306", "shop.orders")),  # hosts have no case
    ("DS106", ("s3://lake", "raw/Orders"), ("s3a://lake", "/raw/Orders")),
]


@pytest.mark.parametrize(
    ("code", "one", "other", "severity"),
    [(*case, Severity.INFO) for case in MAY_BE_TWO] + [(*case, Severity.WARNING) for case in SURELY_ONE],
)
def test_case_is_no_more_than_an_info_where_it_makes_two_names(
    code: str, one: DatasetId, other: DatasetId, severity: Severity
) -> None:
    [finding] = views_of(written_and_read(one, other)).dataset_findings()
    assert (finding.code, finding.severity) == (code, severity)


@pytest.mark.parametrize(
    ("one", "other", "ways"),
    [
        (("s3://lake", "raw/Orders"), ("s3a://lake", "/raw/Orders"), "the scheme's spelling and slashes"),
        ((POSTGRES, '"Shop"."Public"."Orders"'), ("pg://db", '"Shop"."Public"."Orders"'), None),
        ((POSTGRES, "shop.public.Orders"), ("postgresql://DB:5432", "shop.public.Orders"), None),
    ],
)
def test_what_differs_is_named_and_nothing_else(one: DatasetId, other: DatasetId, ways: str | None) -> None:
    """Both are in capitals, or in quotes, alike."""
    [finding] = views_of(written_and_read(one, other)).dataset_findings()
    named = ways or {"pg": "the scheme's spelling and the default port"}.get(
        other[0].partition(":")[0], "upper and lower case and the scheme's spelling"
    )
    assert f"differ only in {named}, so" in finding.message
