"""Events that the standard has something to say about (OL): a recipe for each rule."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from string import ascii_letters, ascii_uppercase, digits

from mock_intake.fake.broken.making import Recipe, any_event, facet_of, run_event, some_facet, sql_worker
from mock_intake.fake.runs import Worker, dataset_event
from mock_intake.model.event import JsonObject
from mock_intake.openlineage.facts import LATEST_CORE
from mock_intake.openlineage.schema import core_id, facet_id


def _text(random: Random, characters: str, count: int) -> str:
    return "".join(random.choice(characters) for _ in range(count))


def _no_kind(random: Random) -> JsonObject:
    event = Worker(random).job_event()
    del event["job"]
    return event


def _two_kinds(random: Random) -> JsonObject:
    return {**dataset_event(random), "job": Worker(random).job_event()["job"]}


def _core_violated(random: Random) -> JsonObject:
    event = run_event(random, "START")
    if random.random() < 0.5:
        event["outputs"] = event["outputs"][0]
    else:
        event["run"]["facets"] = list(event["run"]["facets"].values())
    return event


def _required_missing(random: Random) -> JsonObject:
    event = run_event(random)
    holder, name = random.choice(
        ((event, "eventTime"), (event, "producer"), (event["run"], "runId"), (event["job"], "namespace"))
    )
    del holder[name]
    return event


def _event_type(random: Random) -> JsonObject:
    wrong = random.choice(("start", "Complete", "FINISHED", "SUCCEEDED", "FAILED"))
    return {**run_event(random, "START"), "eventType": wrong}


def _run_id(random: Random) -> JsonObject:
    event = run_event(random)
    event["run"]["runId"] = random.choice(
        (f"scheduled__{event['eventTime']}", str(random.randrange(100_000)), event["run"]["runId"][:-1])
    )
    return event


def _time_unreadable(random: Random) -> JsonObject:
    event = any_event(random)
    day, _, clock = event["eventTime"].partition("T")
    year, month, number = day.split("-")
    wrong = (
        f"{number}/{month}/{year} {clock[:8]}",
        f"{day}T{clock[:-1]}+02:00[Europe/Berlin]",
        f"{year}-13-{number}T{clock}",
    )
    return {**event, "eventTime": random.choice(wrong)}


def _time_without_offset(random: Random) -> JsonObject:
    event = any_event(random)
    return {**event, "eventTime": event["eventTime"].removesuffix("Z")}


def _producer(random: Random) -> JsonObject:
    return {**any_event(random), "producer": random.choice(("acme-etl", "acme etl 4.2", "/opt/etl/jobs.py"))}


def _no_schema_url(random: Random) -> JsonObject:
    event = any_event(random)
    del event["schemaURL"]
    return event


def _other_kind(random: Random) -> JsonObject:
    event = any_event(random)
    kind = event["schemaURL"].rpartition("/")[2]
    # RunEvent is left out: that of an event without a run would claim that it has one.
    others = [other for other in ("JobEvent", "DatasetEvent") if other != kind]
    return {**event, "schemaURL": event["schemaURL"].replace(kind, random.choice(others))}


def _unpublished_core(random: Random) -> JsonObject:
    event = any_event(random)
    return {**event, "schemaURL": event["schemaURL"].replace(LATEST_CORE, random.choice(("2-0-9", "3-1-0", "1-9-9")))}


def _core_too_old(random: Random) -> JsonObject:
    event = random.choice((Worker(random).job_event, lambda: dataset_event(random)))()
    return {**event, "schemaURL": core_id(random.choice(("1-0-3", "1-0-4", "1-0-5")))}


def _facet_without_base(random: Random) -> JsonObject:
    event = any_event(random)
    del some_facet(random, event).facet[random.choice(("_producer", "_schemaURL"))]
    return event


def _facet_producer(random: Random) -> JsonObject:
    event = any_event(random)
    some_facet(random, event).facet["_producer"] = "acme-etl"
    return event


def _facet_invalid(random: Random) -> JsonObject:
    event = run_event(random)
    run, job = event["run"]["facets"], event["job"]["facets"]
    wrong = random.randrange(4)
    if wrong == 0:
        run["nominalTime"]["nominalStartTime"] = "midnight"
    elif wrong == 1:
        job["documentation"] = facet_of(random, "job", "documentation", description=["Loads orders."])
    elif wrong == 2:
        job["ownership"] = facet_of(random, "job", "ownership", owners=["team:data-platform"])
    else:
        event["inputs"][0]["facets"]["schema"]["fields"] = {"order_id": "BIGINT"}
    return event


def _facet_version(random: Random) -> JsonObject:
    event = any_event(random)
    facet = some_facet(random, event).facet
    name = facet["_schemaURL"].rpartition("/")[2]
    facet["_schemaURL"] = f"{facet_id(name, random.choice(('0-0-1', '0-1-0', '0-9-9')))}#/$defs/{name}"
    return event


def _custom_facet(random: Random) -> JsonObject:
    event = run_event(random)
    url = "https://acme.example/facets/RetryRunFacet.json"
    facet = {"_producer": event["producer"], "_schemaURL": url, "attempt": random.randrange(1, 9)}
    event["run"]["facets"]["acme_retry"] = facet
    return event


def _misplaced_facet(random: Random) -> JsonObject:
    event = run_event(random)
    run, job = event["run"]["facets"], event["job"]["facets"]
    if random.random() < 0.5:
        job["nominalTime"] = run.pop("nominalTime")
    else:
        run["sourceCodeLocation"] = facet_of(random, "job", "sourceCodeLocation")
        job.pop("sourceCodeLocation", None)
    return event


def _facet_fragment(random: Random) -> JsonObject:
    event = any_event(random)
    facet = some_facet(random, event).facet
    facet["_schemaURL"] = facet["_schemaURL"].partition("#")[0] + "#/$defs/Facet"
    return event


def _empty_facet(random: Random) -> JsonObject:
    event = run_event(random)
    key = random.choice(("ownership", "tags"))
    facet = facet_of(random, "job", key)
    event["job"]["facets"][key] = {name: facet[name] for name in ("_producer", "_schemaURL")}
    return event


def _foreign_schema(random: Random) -> JsonObject:
    event = any_event(random)
    place = some_facet(random, event)
    place.facet["_schemaURL"] = f"https://acme.example/facets/{place.key}.json"
    return event


def _with_source(random: Random, code: str) -> JsonObject:
    """An event whose job shows its source code."""
    event = run_event(random)
    event["job"]["facets"]["sourceCode"] = facet_of(random, "job", "sourceCode", language="PYTHON", sourceCode=code)
    return event


def _password(random: Random) -> JsonObject:
    password = _text(random, ascii_letters + digits, 12)
    return _with_source(random, f'connect("postgresql://etl:{password}@shop-db.acme.example:5432/shop")\n')


def _cloud_key(random: Random) -> JsonObject:
    key = "AKIA" + _text(random, ascii_uppercase + digits, 16)
    if random.random() < 0.5:
        return _with_source(random, f'client("s3", aws_access_key_id="{key}")\n')
    event = sql_worker(random).run_event("COMPLETE")
    event["job"]["facets"]["sql"]["query"] += f"\n-- reads the lake as {key}"
    return event


def _token(random: Random) -> JsonObject:
    if random.random() < 0.5:
        return _with_source(random, f'clone(token="ghp_{_text(random, ascii_letters + digits, 36)}")\n')
    variable = {"name": "DEPLOY_TOKEN", "value": _text(random, ascii_letters + digits, 24)}
    event = run_event(random)
    facet = facet_of(random, "run", "environmentVariables", environmentVariables=[variable])
    event["run"]["facets"]["environmentVariables"] = facet
    return event


def _private_key(random: Random) -> JsonObject:
    kind = random.choice(("", "RSA ", "EC "))
    block = _text(random, ascii_letters + digits, 64)
    key = f"-----BEGIN {kind}PRIVATE KEY-----\n{block}\n-----END {kind}PRIVATE KEY-----"
    return _with_source(random, f'KEY = """{key}"""\n')


def _surrogate(random: Random) -> JsonObject:
    event = run_event(random)
    # Half of an emoji, as a program leaves it that cuts UTF-16 text to a length.
    text = "Loads orders " + chr(0xD83D)
    event["job"]["facets"]["documentation"] = facet_of(random, "job", "documentation", description=text)
    return event


RECIPES: Mapping[str, Recipe] = {
    "OL001": _no_kind,
    "OL002": _two_kinds,
    "OL003": _core_violated,
    "OL004": _required_missing,
    "OL005": _event_type,
    "OL006": _run_id,
    "OL007": _time_unreadable,
    "OL008": _time_without_offset,
    "OL009": _producer,
    "OL010": _no_schema_url,
    "OL011": _other_kind,
    "OL012": _unpublished_core,
    "OL013": _core_too_old,
    "OL101": _facet_without_base,
    "OL102": _facet_producer,
    "OL103": _facet_invalid,
    "OL104": _facet_version,
    "OL105": _custom_facet,
    "OL106": _misplaced_facet,
    "OL107": _facet_fragment,
    "OL108": _empty_facet,
    "OL109": _foreign_schema,
    "OL201": _password,
    "OL202": _cloud_key,
    "OL203": _token,
    "OL204": _private_key,
    "OL301": _surrogate,
}
