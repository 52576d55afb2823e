"""Names that the classes of openlineage-python build are in order, but for what is documented to be in dispute."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
from openlineage.client.naming import dataset as client

from mock_intake.datadog.naming import naming_issues, platform_of

# What a user would give the classes of openlineage-python: by field, and by class where it differs.
VALUES: Mapping[str, Any] = {
    "region_name": "eu-west-1",
    "region": "eu-west-1",
    "account_id": "123456789012",
    "catalog": "AwsDataCatalog",
    "database": "shop",
    "database_name": "shop",
    "dataset_name": "shop",
    "keyspace": "shop",
    "schema": "public",
    "table": "orders",
    "table_name": "orders",
    "topic": "shop.orders",
    "host": "db.acme.example",
    "port": "5432",
    "bootstrap_server_host": "broker.acme.example",
    "namenode_host": "namenode.acme.example",
    "namenode_port": "8020",
    "project_id": "acme-prod",
    "resource_id": "orders",
    "service_name": "acme",
    "service": "acme",
    "cluster_identifier": "sales",
    "organization_name": "acme",
    "account_name": "prod",
    "container": "raw",
    "workspace": "adb-4711.11.azuredatabricks.net",
    "bucket_name": "acme-lake",
    "object_key": "raw/orders",
    "path": "raw/orders",
}
LIVE, STANDARD = "Datadog's live page", "the OpenLineage standard"
RESOURCE_TYPES = list(client.PubSubResourceType)
CLASSES = sorted(
    (kind for kind in vars(client).values() if client.DatasetNaming in getattr(kind, "__mro__", ())[1:]),
    key=lambda kind: str(kind.__name__),
)
DISPUTES = {"AWSGlue": ["DD203"], "Redshift": ["DD203"]}


def built_by(kind: Any) -> list[Any]:
    """What a naming class of the client builds of plausible values; one for each resource type, where it has them."""
    names = list(inspect.signature(kind).parameters)
    values = {name: VALUES[name] for name in names if name != "resource_type"}
    if "resource_type" not in names:
        return [kind(**values)]
    return [kind(resource_type=resource_type, **values) for resource_type in RESOURCE_TYPES]


def test_the_client_has_the_naming_classes_that_are_compared() -> None:
    assert len(CLASSES) >= 25
    assert set(DISPUTES) < {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_the_real_client_builds_is_in_order_but_for_the_documented_disputes(kind: Any) -> None:
    for built in built_by(kind):
        issues = naming_issues(built.get_namespace(), built.get_name())
        assert [issue.code for issue in issues] == DISPUTES.get(kind.__name__, [])
        for issue in issues:
            assert STANDARD in issue.message
            assert LIVE in issue.message


def test_all_platforms_that_the_client_builds_names_for_are_told_apart() -> None:
    titles = {kind.__name__: {platform_of(built.get_namespace()) for built in built_by(kind)} for kind in CLASSES}
    assert all(None not in platforms and len(platforms) == 1 for platforms in titles.values())
    # A file system here and one elsewhere are one platform.
    assert len({platform for platforms in titles.values() for platform in platforms}) == len(CLASSES) - 1
