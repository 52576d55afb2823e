"""Tags of jobs, runs and datasets: in which form they are read, and where they are seen (DD401 to DD404)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.rules import FacetView, Finding, OnFacet, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import facet
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted

# The client marks tags of its own with it; nobody set those, so nobody misses them.
_CLIENT_TAG_SOURCE = "OPENLINEAGE_CLIENT"
_MOST_NAMED = 3
_NEEDED = ("key", "value", "source")

_OF_JOB = OnFacet("tags", "job")
_OF_RUN = OnFacet("tags", "run", kinds=("RunEvent",))
_OF_DATASET = OnFacet("tags", "dataset")

_TAG = {"key": "team", "value": "data", "source": "USER"}
_JOB_TAGS = {"/job/facets/tags": facet("TagsJobFacet", "1-0-0", tags=[_TAG])}
_RUN_TAGS = {"/run/facets/tags": facet("TagsRunFacet", "1-0-0", tags=[_TAG])}


@rule(
    "DD401",
    "tags-no-array",
    severity=Severity.WARNING,
    requirement="The tags facet holds an array of tags.",
    because="Tags in another form are not read.",
    advice='Write "tags": [{"key": "team", "value": "data", "source": "USER"}].',
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=(_OF_RUN, _OF_JOB, _OF_DATASET),
    given=_JOB_TAGS,
    trigger={"/job/facets/tags/tags": _TAG},
    neighbour={"/job/facets/tags/tags": [_TAG]},
)
def tags_no_array(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    tags = facet.content.get("tags", [])
    if type(tags) is not list:
        yield rule.found(
            facet.at("tags"),
            f"the {facet.entity}'s tags are no array",
            expected="an array of tags",
            actual=shown(tags),
            advice=f'Write "tags": {shown(_as_array(tags))}.' if type(tags) is dict and tags else None,
        )


@rule(
    "DD402",
    "tag-incomplete",
    severity=Severity.WARNING,
    requirement="Every tag has key, value and source.",
    because="Datadog documents all three as needed; the standard asks for key and value only. Tags of Datadog's own, "
    "whose key begins with _dd., are documented without a source.",
    advice='Write {"key": "team", "value": "data", "source": "USER"}.',
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=(_OF_RUN, _OF_JOB, _OF_DATASET),
    given=_JOB_TAGS,
    trigger={"/job/facets/tags/tags": [{"key": "team", "value": "data"}]},
    neighbour={"/job/facets/tags/tags": [_TAG]},
)
def tag_incomplete(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    for index, tag in _tags(facet):
        if missing := _missing(tag):
            yield rule.found(
                facet.at("tags", index),
                f"a tag of the {facet.entity} lacks {' and '.join(missing)}",
                expected="key, value and source",
                actual=shown(tag),
                advice=f"Write {shown(_completed(tag))}.",
            )


@rule(
    "DD403",
    "tag-source-not-user",
    severity=Severity.WARNING,
    requirement="Tags of jobs and runs have the source USER, in exactly these letters.",
    because="Only such tags can be used in data job monitors.",
    advice='Write "source": "USER" for tags that monitors are to use.',
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=(_OF_JOB, _OF_RUN),
    given=_JOB_TAGS,
    trigger={"/job/facets/tags/tags/0/source": "user"},
    neighbour={"/job/facets/tags/tags/0/source": "USER"},
)
def tag_source_not_user(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    for index, tag in _tags(facet):
        source = tag.get("source")
        if source == "USER" or not isinstance(source, str) or _missing(tag) or _is_datadogs(tag):
            continue
        if source != _CLIENT_TAG_SOURCE:
            yield rule.found(
                facet.at("tags", index, "source"),
                f"the tag {_text(tag['key'])} has the source {shown(source)}, so job monitors cannot use it",
                expected='"USER"',
                actual=shown(source),
            )


@rule(
    "DD404",
    "run-tags-unused",
    severity=Severity.INFO,
    requirement="Tags that are to be searched by stand on the job, and those of a run change from run to run.",
    because="Job tags become tags of the trace. Run tags are available in data job monitors, but cannot be searched "
    "one by one in the jobs overview and the trace explorer.",
    advice="Put what is the same in every run, such as team or owner, into job.facets.tags. Nothing to do for values "
    "that change from run to run.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=_OF_RUN,
    given=_RUN_TAGS,
    trigger={"/run/facets/tags/tags/0/source": "USER"},
    neighbour={"/run/facets/tags/tags/0/source": _CLIENT_TAG_SOURCE},
)
def run_tags_unused(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    unused = [
        _text(tag.get("key"))
        for _, tag in _tags(facet)
        if tag.get("source") != _CLIENT_TAG_SOURCE and not _is_datadogs(tag)
    ]
    if unused:
        yield rule.found(
            facet.at(),
            f"the run's tags {', '.join(unused[:_MOST_NAMED])} cannot be searched one by one",
            expected="tags on the job, unless they change from run to run",
            actual=f"{len(unused)} tag{'' if len(unused) == 1 else 's'} on the run",
        )


def _tags(facet: FacetView) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tags of a facet that are objects, with their places; what is none the facet's schema refuses."""
    tags = facet.content.get("tags")
    if type(tags) is list:
        for index, tag in enumerate(tags):
            if type(tag) is dict:
                yield index, tag


def _completed(tag: Mapping[str, Any]) -> dict[str, Any]:
    """A tag with all that it needs; what nobody can know but the user stands in angle brackets."""
    needed = ("key", "value") if _is_datadogs(tag) else _NEEDED
    wanted = {"key": "<key>", "value": "<value>", "source": "USER"}
    return {name: tag[name] if name in tag and tag[name] != "" else wanted[name] for name in needed}


def _as_array(tags: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One tag, or values by their keys, as the array that was meant; of many the first."""
    if "key" in tags:
        return [_completed(tags)]
    named = islice(tags.items(), _MOST_NAMED)
    return [_completed({"key": key, "value": value}) for key, value in named]


def _text(key: object) -> str:
    return quoted(key) if isinstance(key, str) else shown(key)


def _is_datadogs(tag: Mapping[str, Any]) -> bool:
    """Whether a tag is one by which Datadog is told something, such as the service: ``_dd.ol_service``."""
    return str(tag.get("key")).startswith("_dd.")


def _missing(tag: dict[str, Any]) -> list[str]:
    if "value" in tag and tag.get("key") and tag.get("source"):
        return []  # as nearly all
    needed = ("key", "value") if _is_datadogs(tag) else _NEEDED
    # A value may be an empty text; a key or a source that is one says nothing.
    return [name for name in needed if name not in tag or (name != "value" and tag[name] == "")]
