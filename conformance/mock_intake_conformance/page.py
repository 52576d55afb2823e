"""The reference page of the cases, docs/reference/conformance.md: generated, so that it is true."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake_conformance.cases import CASES, Case
from mock_intake_conformance.matrix import Matrix, read_matrix
from mock_intake_conformance.scenarios import SCENARIOS

_GROUPS = {
    "delivery": "Delivery: requests get where they are meant to",
    "content": "Content: what the events say",
    "lifecycle": "Lifecycle: what the events of a run owe each other",
    "resilience": "Resilience: what an intake that misbehaves does to events and job",
    "security": "Security: the key stays where it belongs",
    "logs": "Logs: whether lines name their run",
    "overhead": "Overhead: what lineage costs",
}
_INTRODUCTION = """\
# Cases of the suite

This page is generated from the code: `make docs`.

`mock-intake certify` ([how to](../how-to/certify.md)) runs a producer through scenarios and judges these cases.
**must**: the producer is not ready to go live if the case fails or cannot be judged; **should** and **may** are told
and do not count; **note** cases are observed. The source of each is given with a sureness, as
[that of rules](../rules.md): `documented`, read in `source` code, `measured`, in the vendor's `draft`, or `assumed`.

A case passed, failed, errored (it could not be judged), was skipped (with a reason) or observed. `--only` takes the
beginning of an id, or a pattern."""


# Between these the matrix stands in docs/paths.md.
MARKS = ("<!-- matrix -->", "<!-- /matrix -->")


def markdown() -> str:
    """The whole page."""
    lines = [_INTRODUCTION]
    group = None
    for case in CASES:
        if case.requirement.group != group:
            group = case.requirement.group
            lines += ["", f"## {_GROUPS[group]}"]
        lines += _described(case)
    lines += ["", "## Scenarios", "", "Each is one run of the producer, against an intake of its own.", ""]
    lines += ["| Scenario | What happens |", "| --- | --- |"]
    lines += [f"| `{scenario.id}` | {scenario.title} |" for scenario in SCENARIOS.values()]
    lines += ["", "What the documented paths make of these cases is measured: [the matrix](../paths.md)."]
    return "\n".join(lines) + "\n"


def _described(case: Case) -> Iterator[str]:
    requirement = case.requirement
    yield from ("", f"### {requirement.id}", "", f"**{requirement.level}**. {requirement.requirement}")
    yield from ("", requirement.because, "", f"*What to do:* {_escaped(requirement.advice)}", "")
    yield f"*Source:* {_link(requirement.source)} ({requirement.sureness})"


def with_matrix(page: str) -> str:
    """A page with the shipped matrix between its two marks."""
    before, _, rest = page.partition(MARKS[0])
    _, mark, behind = rest.partition(MARKS[1])
    if not mark:
        raise ValueError(f"the page has no {MARKS[0]} ... {MARKS[1]}")
    return "\n".join((f"{before}{MARKS[0]}", *_table(read_matrix()), f"{MARKS[1]}{behind}"))


def _table(matrix: Matrix) -> Iterator[str]:
    yield from ("## The conformance suite over the documented paths", "")
    yield f"Measured on {matrix.measured} with {matrix.client} by `mock-intake conformance`, which tells when a client"
    yield "does otherwise. Each path sends the documented run (START, RUNNING, COMPLETE; FAIL) as the documentation"
    yield "does it: nothing catches what emitting raises. [What each case asks](reference/conformance.md)."
    yield ""
    yield "HTTP and Datadog are the Python client's transports, made by hand and by the environment; *async* is the"
    yield "asynchronous route of the Datadog transport."
    yield ""
    producers = list(next(iter(matrix.cells.values())))
    yield f"| Case | {' | '.join(producers)} |"
    yield f"| --- |{' --- |' * len(producers)}"
    for case, row in matrix.cells.items():
        cells = (f"**{verdict}**" if verdict in ("failed", "errored") else verdict for verdict in row.values())
        yield f"| `{case}` | {' | '.join(cells)} |"


def _link(source: str) -> str:
    if source.startswith("http"):
        return f"<{source}>"
    return f"`{source}`, [the page of them](../explanation/assumptions.md)"


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")
