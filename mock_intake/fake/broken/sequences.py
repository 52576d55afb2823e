"""Events of which each is fine, and not all together: runs (RC) and datasets that would not join (DS)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from mock_intake.fake.broken.making import renamed, sql_worker
from mock_intake.fake.facets import make_facet
from mock_intake.fake.flows import draw_table, reading
from mock_intake.fake.runs import Worker, draw_scene
from mock_intake.fake.scene import draw_uuid
from mock_intake.model.event import JsonObject

Events = list[JsonObject]
Sequence = Callable[[Random], Events]


def _no_start(random: Random) -> Events:
    return Worker(random).cycle("COMPLETE", random.randrange(2))[1:]


def _no_end(random: Random) -> Events:
    return Worker(random).cycle(None, random.randrange(2))


def _two_starts(random: Random) -> Events:
    worker = Worker(random)
    start, running, end = worker.cycle("COMPLETE", 1)
    return [start, {**start, "eventTime": running["eventTime"]}, end]


def _two_ends(random: Random) -> Events:
    worker = Worker(random)
    return [*worker.cycle("COMPLETE"), worker.run_event("FAIL", worker.began + worker.lasted * 1.5)]


def _end_first(random: Random) -> Events:
    return Worker(random).cycle(random.choice(("COMPLETE", "FAIL")))[::-1]


def _negative_duration(random: Random) -> Events:
    start, end = Worker(random).cycle("COMPLETE")
    start["eventTime"], end["eventTime"] = end["eventTime"], start["eventTime"]
    return [start, end]


def _late(random: Random, event_type: str) -> Events:
    start, running, end = Worker(random).cycle("COMPLETE", 1)
    return [start, end, {**running, "eventType": event_type}]


def _job_changes(random: Random) -> Events:
    start, end = Worker(random).cycle("COMPLETE")
    job = end["job"]
    if random.random() < 0.5:
        job["namespace"], job["name"] = job["name"], job["namespace"]
    else:
        job["name"] += f"_{start['eventTime'][:10]}"
    return [start, end]


def _run_id_shared(random: Random) -> Events:
    one, other = Worker(random), Worker(random)
    while one.scene.job == other.scene.job:
        other = Worker(random)
    events = [*one.cycle("COMPLETE"), *other.cycle("COMPLETE")]
    for event in events:
        event["run"]["runId"] = one.scene.run_id
    starts, ends = events[::2], events[1::2]
    # In one order and not by time, so that nothing seems to begin after the end.
    start, end = starts[0]["eventTime"], ends[0]["eventTime"]
    return [*({**event, "eventTime": start} for event in starts), *({**event, "eventTime": end} for event in ends)]


def _sent_twice(random: Random) -> Events:
    events = Worker(random).cycle("COMPLETE", 1)
    again = random.randrange(len(events))
    return [*events[: again + 1], *events[again:]]


def _parent_unseen(random: Random) -> Events:
    parent = {
        "run": {"runId": draw_uuid(random)},
        "job": {"namespace": "prod", "name": "nightly"},
    }
    return Worker(random, parent=parent).cycle("COMPLETE")


def _under(random: Random, events: Events, run_id: str, namespace: str, name: str) -> Events:
    """The same events as parts of this run of this job."""
    named = {"run": {"runId": run_id}, "job": {"namespace": namespace, "name": name}, "root": None}
    for event in events:
        event["run"]["facets"]["parent"] = make_facet(draw_scene(random), "run", "parent", **named)
    return events


def _name_of_each_run(random: Random) -> Events:
    worker = Worker(random)
    events: Events = []
    for _ in range(3):
        run_id = draw_uuid(random)
        cycle = worker.cycle("COMPLETE")
        for event in cycle:
            event["run"]["runId"] = run_id
            event["job"]["name"] += f"_{run_id}"
        events += cycle
    return events


def _two_spellings(random: Random) -> Events:
    events = Worker(random).cycle("COMPLETE", 1)
    events[random.randrange(3)]["run"]["runId"] = events[0]["run"]["runId"].upper()
    return events


def _parent_of_another_job(random: Random) -> Events:
    start, end = Worker(random).cycle("COMPLETE")
    job, run_id = start["job"], start["run"]["runId"]
    return [
        start,
        *_under(random, Worker(random).cycle("COMPLETE"), run_id, job["namespace"], f"{job['name']}_v2"),
        end,
    ]


def _parent_changes(random: Random) -> Events:
    start, end = Worker(random).cycle("COMPLETE")
    job, run_id = start["job"], start["run"]["runId"]
    events = _under(random, Worker(random).cycle("COMPLETE", 1), run_id, job["namespace"], job["name"])
    _under(random, events[1:2], run_id, job["namespace"], f"{job['name']}_v2")
    return [start, *events, end]


def _own_parent(random: Random) -> Events:
    events = Worker(random).cycle("COMPLETE")
    job = events[0]["job"]
    return _under(random, events, events[0]["run"]["runId"], job["namespace"], job["name"])


def _column_input_unknown(random: Random) -> Events:
    events = Worker(random).cycle("COMPLETE")
    old = events[0]["inputs"][0]
    name = random.choice((f"{old['name']}_v2", old["name"].swapcase(), old["name"][1:]))
    for event in events:
        for output in event["outputs"]:
            if "columnLineage" in output["facets"]:
                output["facets"]["columnLineage"] = renamed(output["facets"]["columnLineage"], old, name=name)
    return events


def _column_unknown(random: Random) -> Events:
    events = Worker(random).cycle("COMPLETE")
    for event in events:
        for output in event["outputs"]:
            fields = output["facets"].get("columnLineage", {}).get("fields", {})
            for column in list(fields)[:1]:
                fields[f"{column}_v2"] = fields.pop(column)
    return events


def _fail_without_error(random: Random) -> Events:
    events = Worker(random).cycle("FAIL")
    for event in events:
        event["run"]["facets"].pop("errorMessage", None)
    return events


def _complete_without(random: Random, side: str, facets: str, key: str) -> Events:
    events = Worker(random).cycle("COMPLETE")
    first = events[0][side][0]
    for event in events:
        for entry in (*event["inputs"], *event["outputs"]):
            if (entry["namespace"], entry["name"]) == (first["namespace"], first["name"]):
                entry.get(facets, {}).pop(key, None)
    return events


def _sql_too_early(random: Random) -> Events:
    start, end = sql_worker(random).cycle("COMPLETE")
    start["job"]["facets"]["sql"] = end["job"]["facets"].pop("sql")
    return [start, end]


def _apart(random: Random, platform: str, rewrite: Callable[[JsonObject], dict[str, str]], **written: str) -> Events:
    """Two jobs that read one dataset, which the second writes in another way."""
    read = draw_table(random, platform)
    read = read._replace(**written) if written else read  # type: ignore[arg-type]
    one, other = (Worker(random, flow=reading(random, read)) for _ in range(2))
    [old] = one.cycle(None)[0]["inputs"]
    again = [renamed(event, old, **rewrite(old)) for event in other.cycle("COMPLETE")]
    return [*one.cycle("COMPLETE"), *again]


def _case(random: Random) -> Events:
    platform = random.choice(("PostgreSQL", "Redshift", "Snowflake"))
    return _apart(random, platform, lambda old: {"name": old["name"].swapcase()})


def _scheme(random: Random) -> Events:
    return _apart(
        random,
        "Microsoft SQL Server",
        lambda old: {"namespace": old["namespace"].replace("mssql:", "sqlserver:")},
    )


def _port(random: Random) -> Events:
    return _apart(random, "HDFS", lambda old: {"namespace": old["namespace"].removesuffix(":8020")})


def _slash(random: Random) -> Events:
    platform = random.choice(("S3", "Google Cloud Storage"))
    form = random.choice(("/{}", "{}/"))
    return _apart(random, platform, lambda old: {"name": form.format(old["name"])})


def _quotes(random: Random) -> Events:
    platform, quote = random.choice((("PostgreSQL", '"'), ("BigQuery", "`"), ("MySQL", "`")))
    return _apart(random, platform, lambda old: {"name": _last_quoted(old["name"], quote)})


def _several(random: Random) -> Events:
    return _apart(random, "PostgreSQL", lambda old: {"name": _last_quoted(old["name"].upper(), '"')})


def _white_space(random: Random) -> Events:
    form = random.choice((" {}", "{} ", "{}\t", "{}\n"))
    return _apart(random, "PostgreSQL", lambda old: {"name": form.format(old["name"])})


def _last_quoted(name: str, quote: str) -> str:
    before, _, table = name.rpartition(".")
    return f"{before}.{quote}{table}{quote}"


SEQUENCES: Mapping[str, Sequence] = {
    "RC101": _no_start,
    "RC102": _no_end,
    "RC103": _two_starts,
    "RC104": _two_ends,
    "RC105": _end_first,
    "RC106": _negative_duration,
    "RC107": lambda random: _late(random, "RUNNING"),
    "RC108": lambda random: _late(random, "OTHER"),
    "RC201": _job_changes,
    "RC202": _run_id_shared,
    "RC301": _sent_twice,
    "RC401": _parent_unseen,
    "RC203": _name_of_each_run,
    "RC205": _two_spellings,
    "RC402": _parent_of_another_job,
    "RC403": _parent_changes,
    "RC404": _own_parent,
    "DD301": _column_input_unknown,
    "DD302": _column_unknown,
    "DD501": _fail_without_error,
    "DD502": partial(_complete_without, side="inputs", facets="facets", key="schema"),
    "DD503": partial(_complete_without, side="outputs", facets="outputFacets", key="outputStatistics"),
    "DD504": partial(_complete_without, side="outputs", facets="facets", key="columnLineage"),
    "DD505": _sql_too_early,
    "DS101": _case,
    "DS102": _scheme,
    "DS103": _port,
    "DS104": _slash,
    "DS105": _quotes,
    "DS106": _several,
    "DS107": _white_space,
}
