"""How findings of Datadog's rules about names of jobs, times and ids read, word for word."""

from __future__ import annotations

from tests.rules.examples_judged import EVENTS, Body, FindingText

_FROZEN = (
    "In a test whose clock is frozen (freezegun, time-machine) it is the frozen time: nothing to do, or freeze a day "
)


def _first(code: str, *told: str) -> tuple[str, Body, FindingText]:
    pointer, message, expected, actual, advice = told
    return code, EVENTS[code][0], FindingText(pointer, message, expected, actual, advice)


PINNED: list[tuple[str, Body, FindingText]] = [
    _first(
        "DD107",
        "/job/name",
        "the job's name is empty, and service and resource are made from it",
        "a name such as load_orders",
        '""',
        "Set both: the Python client takes the namespace from OPENLINEAGE_NAMESPACE, the name from the Job that it is "
        "given.",
    ),
    _first(
        "DD108",
        "/job/name",
        "the job's name has white space at its ends, or characters that nobody sees",
        '"load_orders"',
        '"load_orders "',
        'Write "load_orders". Strip what comes from files and environment variables before it becomes a name.',
    ),
    _first(
        "DD109",
        "/job/name",
        '"{{ ds }}" in the job\'s name is a placeholder, no value',
        "a name such as load_orders",
        '"load_{{ ds }}"',
        "Fill the value in before the event is made, and fail where there is none.",
    ),
    _first(
        "DD110",
        "/eventTime",
        "eventTime is implausible: it is in the year 1970",
        "a time after 2000",
        '"1970-01-01T00:00:00Z"',
        f"Take the time from a clock that is set; a time of 1970 or of the year 1 is a field that never was. {_FROZEN}"
        "of these years.",
    ),
    _first(
        "DD111",
        "/run/runId",
        "the run id is the nil UUID, which is no run's",
        "an id of its own",
        "00000000-0000-0000-0000-000000000000",
        "Make a new one for every run, in Python str(uuid.uuid4()).",
    ),
    _first(
        "DD112",
        "/job/facets/jobType/integration",
        "integration is empty",
        "a word such as CUSTOM",
        '""',
        "Use a word of your own, such as CUSTOM or the name of your tool.",
    ),
    _first(
        "DD113",
        "/job/facets/jobType/jobType",
        "jobType is empty",
        "JOB, TASK, DAG, MODEL or COMMAND",
        '""',
        "Use JOB, TASK, DAG, MODEL or COMMAND, or leave the field out.",
    ),
]
