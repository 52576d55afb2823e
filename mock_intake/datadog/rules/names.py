"""How datasets are named: by the forms of the platforms that Datadog or the standard lists (DD201 to DD207).

Datasets are matched by exact string equality of namespace and name; only a name in its platform's form joins.
"""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.datadog.corrections import bucket_of, completed, corrected, in_live_form
from mock_intake.datadog.placeholders import placeholder_in_namespace, says_nothing, without_strays
from mock_intake.datadog.platforms import Form, Platform, name_parts, platform_of, unlisted_platform
from mock_intake.datadog.sources import CUSTOM_JOBS, DRAFT, STANDARD_NAMING
from mock_intake.rules import DatasetName, Finding, OnName, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import dataset
from mock_intake.secrets.content import redact
from mock_intake.secrets.quoting import quoted
from mock_intake.system.patterns import pattern_of

MAX_OBJECT_LEVELS = 3
_LONGEST_COMPLETED = 200

_ALONE = "Datasets are matched by exact string equality, so the node stands alone and its lineage is not joined."
_NAMESPACE, _NAME = "/namespace", "/name"
_GIVEN = {"/inputs": [dataset("shop.public.orders")]}
# A project of BigQuery can stand in a domain, which has dots of its own.
_DOMAIN = pattern_of(r"[a-z0-9-]+(\.[a-z0-9-]+)+:")


@rule(
    "DD201",
    "namespace-unrecognised",
    severity=Severity.WARNING,
    requirement="A dataset's namespace has the form of a platform that Datadog or the standard lists.",
    because="A dataset with another namespace still makes a node, but it is not surfaced in the product.",
    advice="Build namespace and name after the naming table; in Python openlineage.client.naming does it.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/namespace": "warehouse"},
    neighbour={"/inputs/0/namespace": "bigquery"},
)
def namespace_unrecognised(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    namespace = without_strays(dataset.namespace)
    if platform_of(namespace) is None and placeholder_in_namespace(namespace) is None:
        message = (
            f"the namespace {_quoted(dataset.namespace)} is of no platform that Datadog or the standard lists, "
            "so the dataset is not surfaced in the product"
        )
        if bucket := bucket_of(namespace, dataset.name):
            right, name = bucket
            also = f", and the name as {redact(name)}" if name != dataset.name else ""
            yield rule.found(
                _NAMESPACE, message, expected=right, actual=_quoted(dataset.namespace),
                advice=f"Write it as {right}{also}.",
            )  # fmt: skip
            return
        unlisted = unlisted_platform(namespace)
        yield rule.found(
            _NAMESPACE,
            message,
            expected=f"a platform that is listed, which {unlisted} is not"
            if unlisted
            else "a namespace such as postgres://host:port, s3://bucket, bigquery or snowflake://organisation-account",
            actual=_quoted(dataset.namespace),
            advice=f"There is no form in which datasets of {unlisted} are surfaced. Nodes and edges are made all the "
            "same: keep the namespace and the name equal in all jobs."
            if unlisted
            else None,
        )


@rule(
    "DD202",
    "namespace-malformed",
    severity=Severity.WARNING,
    requirement="A dataset's namespace is complete and in its platform's form.",
    because=_ALONE,
    advice="Write it in the platform's form.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/namespace": "postgres://db"},
    neighbour={"/inputs/0/namespace": "postgres://db:5432"},
)
def namespace_malformed(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    namespace = without_strays(dataset.namespace)
    platform = platform_of(namespace)
    if platform is None or platform.namespace.pattern.fullmatch(namespace) or placeholder_in_namespace(namespace):
        return
    if _written(namespace, platform.disputed) is None:
        reads = platform.namespace.reads
        yield rule.found(
            _NAMESPACE,
            f"the namespace {_quoted(namespace)} is not in the form of {platform.title}",
            expected=f"{reads} ({platform.namespace.by})",
            actual=_quoted(namespace),
            advice=_correction(platform, namespace, dataset.name),
        )


@rule(
    "DD203",
    "naming-form-disputed",
    severity=Severity.WARNING,
    requirement="A dataset is named in the form of Datadog's live documentation.",
    because="The vendor's pages and the standard disagree about this platform; a name in another form may not join.",
    advice="Use the form of the live page, and check in the product that the dataset joins.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/namespace": "redshift://sales.eu-west-1:5439"},
    neighbour={"/inputs/0/namespace": "redshift://123456789012:eu-west-1:sales"},
)
def naming_form_disputed(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    namespace, name = map(without_strays, dataset)
    platform = platform_of(namespace)
    if platform is None or placeholder_in_namespace(namespace) or says_nothing(namespace, name):
        return
    if not platform.namespace.pattern.fullmatch(namespace) and (form := _written(namespace, platform.disputed)):
        yield _disputed(rule, platform, _NAMESPACE, namespace, form, platform.namespace.reads)
    if _is_table(platform, name) and (form := _written(name, platform.disputed_names)):
        yield _disputed(rule, platform, _NAME, name, form, ".".join(platform.parts))


@rule(
    "DD204",
    "name-too-few-parts",
    severity=Severity.WARNING,
    requirement="A dataset's name has all the parts of its platform.",
    because="A name with fewer parts falls back to the nearest higher node: the schema or the database in place of the "
    "table.",
    advice="Give the full name.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/name": "public.orders"},
    neighbour={"/inputs/0/name": "shop.public.orders"},
)
def name_too_few_parts(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    name = dataset.name
    platform = platform_of(dataset.namespace)
    if not without_strays(name):
        wanted = None if platform is None or platform.name_reads == "free" else platform.name_reads
        advice = f"Write it as {wanted}." if wanted else None
        yield rule.found(_NAME, "the name is empty", expected=wanted or "a name", actual=_quoted(name), advice=advice)
        return
    if platform is None or says_nothing(*dataset):
        return
    if platform.object_store:
        wanted, short = "path/of/the/dataset", not _levels(name) and name != "/"  # which is the whole bucket
    else:
        parts = _parts(platform, name)
        wanted = ".".join(platform.parts)
        short = parts is not None and (len(parts) < len(platform.parts) or not all(part.strip() for part in parts))
    if short:
        yield rule.found(
            _NAME,
            f"the name {_quoted(name)} has fewer parts than a dataset in {platform.title} has",
            expected=wanted,
            actual=_quoted(name),
            advice=f"Write it as {_completed(platform, name, dataset.namespace) or wanted}.",
        )


@rule(
    "DD205",
    "name-too-many-parts",
    severity=Severity.WARNING,
    requirement="A dataset's name has no more parts than its platform knows.",
    because="The name is matched as a whole, and no table has such a name.",
    advice="Leave out what belongs into the namespace; quote a part that has a dot in it.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnName(),
    given=_GIVEN,
    trigger={"/inputs/0/name": "shop.public.orders.v2"},
    neighbour={"/inputs/0/name": 'shop.public."orders.v2"'},
)
def name_too_many_parts(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    platform = platform_of(dataset.namespace)
    parts = _parts(platform, dataset.name) if platform is not None else None
    if platform is None or parts is None or not all(part.strip() for part in parts) or says_nothing(*dataset):
        return
    if len(parts) > len(platform.parts) + len(platform.optional):
        known = " or ".join(str(len(platform.parts) + more) for more in range(len(platform.optional) + 1))
        yield rule.found(
            _NAME,
            f"the name {_quoted(dataset.name)} has {len(parts)} parts; {platform.title} knows {known}",
            expected=".".join((*platform.optional, *platform.parts)),
            actual=_quoted(dataset.name),
        )


@rule(
    "DD206",
    "object-path-too-deep",
    severity=Severity.INFO,
    requirement="What is to be one dataset in an object store is told apart within three path levels.",
    because="Names in object stores are cut to three levels, so deeper paths become one dataset.",
    advice="Nothing to do if the first three levels name the dataset; else name the dataset by a shorter path.",
    source=DRAFT,
    sureness=Sureness.DRAFT,
    when=OnName(),
    given={"/inputs": [dataset("raw", "s3://lake")]},
    trigger={"/inputs/0/name": "raw/shop/orders/2026"},
    neighbour={"/inputs/0/name": "raw/shop/orders"},
)
def object_path_too_deep(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    platform = platform_of(dataset.namespace)
    levels = _levels(dataset.name)
    if platform is not None and platform.object_store and dataset.name.strip() and len(levels) > MAX_OBJECT_LEVELS:
        kept = "/".join(levels[:MAX_OBJECT_LEVELS])
        yield rule.found(
            _NAME,
            f"the path has {len(levels)} levels and is cut to {quoted(kept)}",
            expected=f"at most {MAX_OBJECT_LEVELS} levels that matter",
            actual=_quoted(dataset.name),
        )


@rule(
    "DD207",
    "name-malformed",
    severity=Severity.WARNING,
    requirement="A dataset's name is in its platform's form.",
    because=_ALONE,
    advice="Write it in the platform's form.",
    source=STANDARD_NAMING,
    sureness=Sureness.DOCUMENTED,
    when=OnName(),
    given={"/inputs": [dataset("topic:acme-prod:orders", "pubsub")]},
    trigger={"/inputs/0/name": "orders"},
    neighbour={"/inputs/0/name": "topic:acme-prod:orders"},
)
def name_malformed(rule: Rule, dataset: DatasetName) -> Iterator[Finding]:
    name = without_strays(dataset.name)
    platform = platform_of(dataset.namespace)
    if platform is None or platform.object_store or platform.name is None or not name or says_nothing(*dataset):
        return
    if not platform.name.pattern.fullmatch(name):
        yield rule.found(
            _NAME,
            f"the name {_quoted(name)} is not in the form of {platform.title}",
            expected=platform.name.reads,
            actual=_quoted(name),
            advice=f"Write it as {platform.name.reads}.",
        )


def _written(text: str, forms: tuple[Form, ...]) -> Form | None:
    """The form in which a text is written, if it is one of these."""
    return next((form for form in forms if form.pattern.fullmatch(text)), None)


def _disputed(rule: Rule, platform: Platform, pointer: str, actual: str, used: Form, right: str) -> Finding:
    by = platform.namespace.by
    live = in_live_form(platform, actual)
    advice = f"Write it as {redact(quoted(live))}, and check in the product that the dataset joins." if live else None
    return rule.found(
        pointer,
        f"this form of the {pointer[1:]} is disputed for {platform.title}: {used.reads} stands in {used.by}, "
        f"{right} in {by}",
        expected=f"{right} ({by})",
        actual=_quoted(actual),
        advice=advice,
    )


def _correction(platform: Platform, namespace: str, name: str) -> str:
    """What to write instead of a malformed namespace, and of the name where it changes with it; and why."""
    made = corrected(namespace, name)
    if made is None or made.namespace is None:
        why = _hint(platform, namespace) if made is None else " ".join(made.reasons)
        return f"Write it as {platform.namespace.reads}. {why}".strip()
    right = redact(quoted(made.namespace))
    if made.name != name:
        right += f", and the name as {redact(quoted(made.name))}"
    return " ".join((f"Write it as {right}.", *made.reasons))


def _hint(platform: Platform, namespace: str) -> str:
    """What probably is wrong with a namespace of which nothing can be made; empty where that is not known."""
    rest = namespace.partition("://")[2]
    of_server = platform.namespace.reads.endswith("://host:port")
    if of_server and not rest.strip("/"):
        return "Host and port are missing."
    return "Take user name and password out." if "@" in rest and not platform.object_store else ""


def _is_table(platform: Platform, name: str) -> bool:
    """Whether a name is one of dotted parts, on this platform."""
    return bool(name.strip() and platform.parts) and not platform.object_store and platform.name is None


def _parts(platform: Platform, name: str) -> list[str] | None:
    """The parts of a table's name; None for what has none, or has a form of its own."""
    if not _is_table(platform, name) or _written(name, platform.disputed_names):
        return None
    if platform.title == "BigQuery":  # which has quotes around all of a name, and a project's domain before it
        if len(name) > 2 and name[0] == name[-1] == "`" and "`" not in name[1:-1]:
            name = name[1:-1]
        domain = _DOMAIN.match(name)
        name = name[domain.end() :] if domain else name
    return name_parts(name)


def _completed(platform: Platform, name: str, namespace: str) -> str | None:
    """A name of too few parts with all of them, as far as they stand in the namespace; None where that says no more
    than the form does.
    """
    if (
        not _is_table(platform, name)
        or len(name) > _LONGEST_COMPLETED
        or (platform.title == "BigQuery" and "`" in name)
    ):
        return None
    right = corrected(namespace, name)
    made = completed(platform, name) if right is None or right.name == name else right.name
    return None if made == name else redact(quoted(made))


def _levels(name: str) -> list[str]:
    return [level for level in name.split("/") if level]


def _quoted(text: str) -> str:
    return f'"{redact(quoted(text))}"'
