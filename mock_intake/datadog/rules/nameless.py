"""Names of datasets that can name nothing, or not one thing (DD208 to DD212)."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.datadog.patterns import pattern_in, temporary_in
from mock_intake.datadog.placeholders import (
    has_strays,
    placeholder_in_name,
    placeholder_in_namespace,
    says_nothing,
    stray_parts,
    without_strays,
)
from mock_intake.datadog.platforms import name_parts, platform_of
from mock_intake.datadog.sources import CUSTOM_JOBS, STANDARD_NAMING
from mock_intake.datadog.statements import is_statement
from mock_intake.rules import DatasetName, Finding, OnName, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import dataset
from mock_intake.secrets.content import shown

_NAMESPACE, _NAME = "/namespace", "/name"
_GIVEN = {"/inputs": [dataset("shop.public.orders")]}
_IN_STORE = {"/inputs": [dataset("raw/orders", "s3://lake")]}


@rule(
    "DD208",
    "name-with-strays",
    severity=Severity.WARNING,
    requirement="A dataset's namespace, its name and the parts of that have no white space at their ends and no "
    "control characters.",
    because="Datasets are matched by exact string equality: with a blank that nobody sees it is another dataset.",
    advice="Strip what comes from files and environment variables before it becomes a name.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/name": "shop.public.orders "},
    neighbour={"/inputs/0/name": "shop.public.or ders"},
)
def name_with_strays(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    platform = platform_of(dataset.namespace)
    for pointer, text in ((_NAMESPACE, dataset.namespace), (_NAME, dataset.name)):
        clean = without_strays(text)
        in_parts = pointer == _NAME and platform is not None and stray_parts(platform, clean)
        if clean and (in_parts or has_strays(text)) and not is_statement(text):
            right = ".".join(part.strip() for part in name_parts(clean)) if in_parts else clean
            yield rule.found(
                pointer,
                f"the {pointer[1:]} {shown(text)} has white space at its ends, or characters that nobody sees",
                expected=shown(right),
                actual=shown(text),
                advice=f"Write {shown(right)}. {rule.advice}",
            )


@rule(
    "DD209",
    "name-placeholder",
    severity=Severity.WARNING,
    requirement="A dataset's namespace and name are values, not what stands for one: no template that was never filled "
    "in, no None or null in place of a host, a database or a schema.",
    because="The name is matched to the letter, and no dataset has such a name.",
    advice="Fill the value in before the event is made, and fail where there is none.",
    source=STANDARD_NAMING,
    sureness=Sureness.ASSUMED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/name": "None.public.orders"},
    neighbour={"/inputs/0/name": "shop.public.None"},
)
def name_placeholder(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    platform = platform_of(dataset.namespace)
    for pointer, text, found in (
        (_NAMESPACE, dataset.namespace, placeholder_in_namespace(dataset.namespace)),
        (_NAME, dataset.name, placeholder_in_name(dataset.namespace, dataset.name)),
    ):
        if found is not None and not is_statement(text):
            reads = None
            if platform is not None:
                reads = platform.namespace.reads if pointer == _NAMESPACE else platform.name_reads
            yield rule.found(
                pointer,
                f"{shown(found)} in the {pointer[1:]} {shown(text)} is a placeholder, no value",
                expected="a value" if reads in (None, "free") else reads,
                actual=shown(text),
            )


@rule(
    "DD210",
    "name-of-several",
    severity=Severity.WARNING,
    requirement="A dataset's name is of one dataset: no pattern over several, and no partition of one.",
    because="The name is matched as a whole, and no table or topic has such a name. It is no more than an info for "
    "wildcards and partitions of BigQuery and for paths, where they are usual: each then is a dataset of its own.",
    advice="Name each table or topic that is read; name the table, not its partition.",
    source=STANDARD_NAMING,
    sureness=Sureness.ASSUMED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/name": "shop.public.orders_*"},
    neighbour={"/inputs/0/name": 'shop.public."orders_*"'},
)
def name_of_several(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    platform = platform_of(dataset.namespace)
    if platform is None or says_nothing(*dataset):
        return
    if pattern := pattern_in(platform, dataset.name):
        yield rule.found(
            _NAME,
            f"{shown(pattern.text)} in the name {shown(dataset.name)} makes it {pattern.words}",
            expected="the name of one dataset",
            actual=shown(dataset.name),
            severity=Severity.INFO if pattern.usual else None,
            advice="Nothing to do if that is how it is named everywhere; else name the whole of it alike in all jobs."
            if pattern.usual
            else None,
        )


@rule(
    "DD211",
    "path-temporary",
    severity=Severity.INFO,
    requirement="A dataset is kept where others can read it.",
    because="A path for temporary files is another one with each run, or is read by nobody else: it stands alone.",
    advice="Nothing to do if it is scratch data; else name the place where it ends up.",
    source=STANDARD_NAMING,
    sureness=Sureness.ASSUMED,
    when=OnName(),
    given=_IN_STORE,
    trigger={"/inputs/0/name": "tmp/orders"},
    neighbour={"/inputs/0/name": "tmp_orders"},
)
def path_temporary(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    platform = platform_of(dataset.namespace)
    if platform is not None and (part := temporary_in(platform, dataset.name)):
        yield rule.found(
            _NAME,
            f"{shown(part)} in the path {shown(dataset.name)} is a place for temporary files",
            expected="a path that lasts",
            actual=shown(dataset.name),
        )


@rule(
    "DD212",
    "name-is-a-statement",
    severity=Severity.WARNING,
    requirement="A dataset's name is that of a table, a topic or a path, not a query over some.",
    because="No table has such a name, so nothing joins; and the statement is shown where a name is meant to be.",
    advice="Name the tables that the statement reads and writes, each a dataset of its own; the statement itself "
    "belongs into job.facets.sql.",
    source=STANDARD_NAMING,
    sureness=Sureness.DOCUMENTED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/name": "SELECT id FROM shop.public.orders"},
    neighbour={"/inputs/0/name": "shop.public.orders"},
)
def name_is_a_statement(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    if is_statement(dataset.name):
        platform = platform_of(dataset.namespace)
        yield rule.found(
            _NAME,
            "the dataset's name is a whole SQL statement",
            expected="the name of a table" if platform is None or not platform.parts else platform.name_reads,
            actual=shown(dataset.name),
        )
