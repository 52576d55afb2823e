"""Which schema holds for a facet: the one that its ``_schemaURL`` names, else the latest one of its key."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

from mock_intake.model.event import Entity
from mock_intake.openlineage.facts import CORES, FACETS, Facet, Version
from mock_intake.openlineage.library import CoreReference, FacetLibrary, Match, core_reference, standard_library
from mock_intake.openlineage.schema import core_id, facet_id, version_definitions
from tests.events import FACETS as SPEC
from tests.openlineage.versions import latest

PUBLISHED = [(facet, version) for facet in FACETS for version in facet.versions]
# These have several definitions in one document; which one is meant only the fragment tells.
SEVERAL = ("LineageFacet", "BaseSubsetDatasetFacet")


def url(name: str, version: str, fragment: str | None = None) -> str:
    return f"{SPEC}/{version}/{name}.json#/$defs/{fragment or name}"


def titled(facet_and_version: tuple[Facet, Version]) -> str:
    facet, version = facet_and_version
    return f"{facet.name} {version.number}"


def found(entity: Entity, key: str, schema_url: str | None) -> tuple[str | None, Match]:
    """What the standard's library finds: title of the schema, and how it was found."""
    schema, match, _ = standard_library().resolve(entity, key, schema_url)
    return schema.title if schema else None, match


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("-")))


@pytest.mark.parametrize("published", PUBLISHED, ids=titled)
def test_a_published_schema_url_names_its_version(published: tuple[Facet, Version]) -> None:
    facet, version = published
    key = version.key or facet.key
    address = facet_id(facet.name, version.number)
    names = (
        [name for name in version_definitions(facet, version.number) if name.endswith("Facet")]
        if facet.root
        else [facet.name]
    )
    for name in names:
        schema, match, entities = standard_library().resolve(facet.entities[0], key, f"{address}#/$defs/{name}")
        assert schema is not None
        assert (schema.name, schema.version, match) == (name, version.number, Match.EXACT)
        assert schema.target == f"{address}#/$defs/{name}"
        assert facet.entities[0] in entities


@pytest.mark.parametrize("published", PUBLISHED, ids=titled)
def test_a_fragment_may_be_missing_or_wrong(published: tuple[Facet, Version]) -> None:
    facet, version = published
    key = version.key or facet.key
    address = facet_id(facet.name, version.number)
    title = titled(published)
    entity = facet.entities[0]
    for end in ("", "#", f"#/properties/{key}"):
        assert found(entity, key, address + end) == (title, Match.EXACT), end
    for end in ("#/$defs/Nothing", f"#/definitions/{facet.name}", f"#{facet.name}", f"#/$defs/{facet.name}/"):
        assert found(entity, key, address + end) == (title, Match.WRONG_FRAGMENT), end


@pytest.mark.parametrize("published", PUBLISHED, ids=titled)
def test_a_version_that_was_never_published_falls_back_to_the_latest_of_the_key(
    published: tuple[Facet, Version],
) -> None:
    facet, version = published
    key, entity = version.key or facet.key, facet.entities[0]
    by_key, match = found(entity, key, None)
    assert match is Match.KEY
    assert found(entity, key, url(facet.name, "7-7-7")) == (by_key, Match.UNKNOWN_VERSION)


@pytest.mark.parametrize("facet", FACETS, ids=lambda facet: facet.name)
def test_the_latest_version_of_its_key_holds_for_a_facet_without_schema_url(facet: Facet) -> None:
    keyed = [version.number for version in facet.versions if (version.key or facet.key) == facet.key]
    assert found(facet.entities[0], facet.key, None) == (f"{facet.name} {max(keyed, key=number)}", Match.KEY)


@pytest.mark.parametrize(
    ("entity", "key", "name"),
    [
        ("job", "documentation", "DocumentationJobFacet"),
        ("dataset", "documentation", "DocumentationDatasetFacet"),
        ("job", "ownership", "OwnershipJobFacet"),
        ("dataset", "ownership", "OwnershipDatasetFacet"),
        ("run", "tags", "TagsRunFacet"),
        ("job", "tags", "TagsJobFacet"),
        ("dataset", "tags", "TagsDatasetFacet"),
        ("input", "dataQualityMetrics", "DataQualityMetricsInputDatasetFacet"),
        ("dataset", "dataQualityMetrics", "DataQualityMetricsDatasetFacet"),
        ("input", "dataQualityAssertions", "DataQualityAssertionsDatasetFacet"),
        ("dataset", "dataQualityAssertions", "DataQualityAssertionsDatasetFacet"),
        ("job", "lineage", "LineageFacet"),
        ("dataset", "lineage", "LineageFacet"),
        ("input", "subset", "BaseSubsetDatasetFacet"),
        ("output", "subset", "BaseSubsetDatasetFacet"),
        # On another entity the facet is out of place, but it is clear which one is meant.
        ("run", "jobType", "JobTypeJobFacet"),
        ("dataset", "outputStatistics", "OutputStatisticsOutputDatasetFacet"),
    ],
)
def test_the_same_key_means_another_facet_on_another_entity(entity: Entity, key: str, name: str) -> None:
    assert found(entity, key, None) == (latest(name), Match.KEY)


SCAN, COMMIT = "IcebergScanReportInputDatasetFacet", "IcebergCommitReportOutputDatasetFacet"


@pytest.mark.parametrize(
    ("entity", "key", "schema_url", "title", "match"),
    [
        ("input", "iceberg_scan_report", None, f"{SCAN} 1-0-0", Match.KEY),
        ("input", "icebergScanReport", None, latest(SCAN), Match.KEY),
        ("output", "icebergCommitReport", None, latest(COMMIT), Match.KEY),
        # The first commit report was published under the scan report's key.
        ("output", "iceberg_scan_report", None, f"{COMMIT} 1-0-0", Match.KEY),
        ("output", "iceberg_scan_report", url(COMMIT, "1-0-0"), f"{COMMIT} 1-0-0", Match.EXACT),
        ("output", "icebergCommitReport", url(COMMIT, "1-0-0"), f"{COMMIT} 1-0-0", Match.EXACT),
        ("input", "icebergScanReport", url(SCAN, "1-0-0"), f"{SCAN} 1-0-0", Match.EXACT),
        ("input", "iceberg_scan_report", url(SCAN, "1-0-1"), f"{SCAN} 1-0-1", Match.EXACT),
        ("output", "icebergCommitReport", url(COMMIT, "1-0-1"), latest(COMMIT), Match.UNKNOWN_VERSION),
        ("output", "icebergCommitReport", url(SCAN, "1-0-1"), f"{SCAN} 1-0-1", Match.OTHER_FACET),
    ],
)
def test_a_facet_is_found_under_every_key_that_it_ever_had(
    entity: Entity, key: str, schema_url: str | None, title: str, match: Match
) -> None:
    assert found(entity, key, schema_url) == (title, match)


@pytest.mark.parametrize(
    ("entity", "key", "name", "definition"),
    [
        ("job", "lineage", "LineageFacet", "LineageJobFacet"),
        ("dataset", "lineage", "LineageFacet", "LineageDatasetFacet"),
        ("input", "subset", "BaseSubsetDatasetFacet", "InputSubsetInputDatasetFacet"),
        ("output", "subset", "BaseSubsetDatasetFacet", "OutputSubsetOutputDatasetFacet"),
        ("input", "subset", "BaseSubsetDatasetFacet", "BaseSubsetDatasetFacet"),
    ],
)
def test_the_fragment_tells_which_definition_of_a_document_is_meant(
    entity: Entity, key: str, name: str, definition: str
) -> None:
    schema, match, _ = standard_library().resolve(entity, key, url(name, "1-0-0", definition))
    assert schema is not None
    assert (schema.title, match) == (f"{definition} 1-0-0", Match.EXACT)
    # What is no facet of its own, such as an entry, names the document and no more.
    assert found(entity, key, url(name, "1-0-0", "LineageEntry")) == (f"{name} 1-0-0", Match.WRONG_FRAGMENT)


def test_every_facet_with_a_root_of_its_own_has_several_definitions() -> None:
    assert {facet.name for facet in FACETS if facet.root} == set(SEVERAL)


@pytest.mark.parametrize(
    ("key", "schema_url", "title", "match"),
    [
        ("sql", url("DocumentationJobFacet", "1-0-0"), "DocumentationJobFacet 1-0-0", Match.OTHER_FACET),
        ("sql", f"{SPEC}/1-0-0/DocumentationJobFacet.json", "DocumentationJobFacet 1-0-0", Match.OTHER_FACET),
        ("sql", "https://acme.example/sql.json", latest("SQLJobFacet"), Match.FOREIGN),
        ("sql", f"{SPEC}/1-0-0/SqlJobFacet.json", latest("SQLJobFacet"), Match.FOREIGN),
        ("sql", "", latest("SQLJobFacet"), Match.FOREIGN),
        # The base facet of the core says nothing of which facet this is, and nothing against it.
        ("sql", f"{core_id('2-0-2')}#/$defs/JobFacet", latest("SQLJobFacet"), Match.KEY),
        ("mine", url("SQLJobFacet", "1-0-0"), "SQLJobFacet 1-0-0", Match.EXACT),
        # Whose facet it is the address says, whatever the key is.
        ("mine", url("SQLJobFacet", "9-9-9"), latest("SQLJobFacet"), Match.UNKNOWN_VERSION),
        ("mine", url("MineJobFacet", "1-0-0"), None, Match.NEVER_PUBLISHED),
        ("mine", f"{core_id('9-9-9')}#/$defs/JobFacet", None, Match.NEVER_PUBLISHED),
        ("sql", f"{core_id('9-9-9')}#/$defs/JobFacet", latest("SQLJobFacet"), Match.UNKNOWN_VERSION),
        ("mine", f"{core_id('2-0-2')}#/$defs/JobFacet", None, Match.CUSTOM),
        ("mine", "https://acme.example/mine.json", None, Match.CUSTOM),
        ("mine", None, None, Match.CUSTOM),
        ("", None, None, Match.CUSTOM),
    ],
)
def test_key_and_schema_url_may_contradict_each_other(
    key: str, schema_url: str | None, title: str | None, match: Match
) -> None:
    assert found("job", key, schema_url) == (title, match)


def test_a_published_version_is_known_by_its_plain_http_address_too() -> None:
    """As a core version is; it must not be told as a version that was never published."""
    plain = url("SQLJobFacet", "1-0-0").replace("https://", "http://")
    assert found("job", "sql", plain) == ("SQLJobFacet 1-0-0", Match.EXACT)


def test_looking_up_many_unknown_facets_does_not_change_what_is_found() -> None:
    library = FacetLibrary()
    for index in range(12_000):
        assert library.resolve("run", f"custom{index}", None).match is Match.CUSTOM
    schema = library.resolve("job", "sql", None).schema
    assert schema is not None
    assert schema.title == latest("SQLJobFacet")


@pytest.mark.parametrize("version", CORES)
@pytest.mark.parametrize("end", ["#/$defs/RunEvent", "#/definitions/RunEvent"])
def test_a_schema_url_of_an_event_names_core_and_definition(version: str, end: str) -> None:
    assert core_reference(core_id(version) + end) == CoreReference(version, "RunEvent")


@pytest.mark.parametrize(
    ("schema_url", "reference"),
    [
        (core_id("2-0-2"), CoreReference("2-0-2", None)),
        (core_id("2-0-2") + "#", CoreReference("2-0-2", None)),
        (core_id("2-0-2") + "#/$defs/", CoreReference("2-0-2", None)),
        (core_id("2-0-2") + "#/$defs/Dataset", CoreReference("2-0-2", "Dataset")),
        (core_id("2-0-2").replace("https", "http"), CoreReference("2-0-2", None)),
        (core_id("3-0-0") + "#/$defs/JobEvent", CoreReference(None, "JobEvent")),
        (core_id("2-0-2") + "\n", CoreReference(None, None)),
        (url("SQLJobFacet", "1-0-0"), CoreReference(None, None)),
        ("https://acme.example/RunEvent", CoreReference(None, None)),
        ("", CoreReference(None, None)),
    ],
)
def test_a_schema_url_that_names_no_core_is_told_from_one_that_does(schema_url: str, reference: CoreReference) -> None:
    assert core_reference(schema_url) == reference


def client_schema_urls() -> Iterator[tuple[str, str]]:
    """The facet classes of the installed openlineage-python, with the schema that each says it follows."""
    generated = importlib.import_module("openlineage.client.generated")
    for module_info in pkgutil.iter_modules(generated.__path__):
        if module_info.name == "base":
            continue
        module = importlib.import_module(f"openlineage.client.generated.{module_info.name}")
        for name, value in vars(module).items():
            if isinstance(value, type) and value.__module__ == module.__name__ and name.endswith("Facet"):
                yield name, value._get_schema()  # type: ignore[attr-defined]


def test_every_facet_of_the_real_client_is_known_by_the_schema_url_that_the_client_sends() -> None:
    schema_urls = dict(client_schema_urls())
    assert len(schema_urls) > 30
    unknown = {
        name: schema_url
        for name, schema_url in schema_urls.items()
        if standard_library().resolve("run", "custom", schema_url).match is not Match.EXACT
    }
    # The client names a version of this one that was never published.
    unknown.pop("DataQualityMetricsDatasetFacet", None)
    assert not unknown
