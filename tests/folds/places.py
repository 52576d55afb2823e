"""One recording, and what every place says of it: the control API, pages, the plugin, check and reports.

``Places`` asks them all; ``agree`` compares what they say of runs, so that a fact that one of them folds by itself
shows.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_intake import IntakeServer
from mock_intake.files.recordings import read_file
from mock_intake.journal import EventFilter
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check, run_results_to_dicts
from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Finding, Selection
from mock_intake.report.model import from_journal
from mock_intake.secrets.api_keys import org_of
from mock_intake.views import Run as FoldedRun
from mock_intake.views.lineage import JobId, Lineage
from mock_intake.views.neighbourhood import Place, around
from mock_intake_pytest.records import Event, LineageGraph, Run, graph_of
from tests.control.content import HTTP, api, send
from tests.web.looking import Look, look

CASES = Path(__file__).parent / "cases"
_EVERYTHING = 1_000
RunName = tuple[str, str | None]


@dataclass
class Places:
    """A recording as it was checked, and as it was sent to a server under a key of its own."""

    server: IntakeServer
    org: str
    check: Check
    checked: list[Finding]

    @classmethod
    def of(cls, server: IntakeServer, case: str) -> Places:
        """The case whose file begins so."""
        [file] = CASES.glob(f"{case}-*.ndjson")
        return cls.sent(server, [recorded.body for recorded in read_file(file)], file)

    @classmethod
    def sent(cls, server: IntakeServer, bodies: Sequence[bytes], file: Path) -> Places:
        key = secrets.token_hex(16)
        for body in bodies:
            assert send(server, body, key=key).status_code == 202
        check = Check(Judge())
        found = [finding for checked in check.check(read_file(file)) for finding in checked.findings]
        return cls(server, org_of(key), check, found)

    def get(self, path: str, **query: Any) -> Any:
        answer = HTTP.get(api(self.server, path), params={"org": self.org, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, path: str, **query: str) -> Look:
        parameters = "&".join(f"{name}={value}" for name, value in {"org": self.org, **query}.items())
        return look(self.server, f"/mock/{path}?{parameters}")

    # Runs.

    def runs(self) -> dict[RunName, dict[str, Any]]:
        """As ``GET /runs`` lists them, by id and the name of the job."""
        return {_name(run): run for run in self.get("/runs", closed=1)["runs"]}

    def run(self, run_id: str, job: str) -> dict[str, Any]:
        """As ``GET /runs/ID`` has it."""
        found: dict[str, Any] = self.get(f"/runs/{run_id}", closed=1, job_name=job)
        return found

    def in_check(self) -> dict[RunName, dict[str, Any]]:
        """As ``check --format json`` has them."""
        return {_name(run): {**run} for run in run_results_to_dicts(self.check.run_results())}

    def in_report(self) -> dict[str, dict[str, Any]]:
        """Facts and codes as ``report`` has them, by the title of the entry."""
        report = from_journal(self.server.journal, self.server.views, self.org)
        return {
            entry.title: {**entry.facts, "codes": sorted(finding.code for finding in entry.findings)}
            for entry in report.entries
            if entry.kind == "run"
        }

    def in_plugin(self) -> dict[RunName, Run]:
        """As a test gets them."""
        records = self.server.journal.events(EventFilter(org=self.org), _EVERYTHING).items
        events = {}
        for record in records:
            exchange = self.server.journal.exchange(record.exchange_id)
            assert exchange is not None
            events[record.summary.id] = Event(record, exchange, Selection())
        views = self.server.views
        return {
            (run.run_id, run.job[1]): Run(
                run, [events[fact.event_id] for fact in run.events], views.run_findings(run, closed=True)
            )
            for run in views.runs(self.org)
        }

    def folded(self, run_id: str, job: str | None = None) -> FoldedRun:
        return next(
            run for run in self.server.views.runs(self.org) if run.run_id == run_id and job in (None, run.job[1])
        )

    def codes(self) -> list[str]:
        """The codes of all that is found, where all places find the same: of runs, of events, of datasets."""
        listed = self.get("/findings", closed=1)
        parts = ("findings", "run_findings", "dataset_findings")
        told = sorted(one["code"] for part in parts for one in listed[part])
        of_runs = [finding for _, found in self.check.run_results() for finding in found]
        checked = sorted(finding.code for finding in [*self.checked, *of_runs, *self.check.dataset_findings()])
        assert told == checked
        return told

    def agree(self) -> None:
        """All places say the same of each run."""
        listed, checked, plugin, report = self.runs(), self.in_check(), self.in_plugin(), self.in_report()
        assert list(listed) == list(plugin)
        assert set(listed) == set(checked)
        for (run_id, job), run in listed.items():
            single = self.run(run_id, job or "")
            del single["dropped"]
            assert single == run
            # Event ids hold the org; repeats are found at their lines.
            apart = ("org", "events", "findings")
            assert _without(run, *apart) == _without(checked[run_id, job], *apart)
            codes = sorted(one["code"] for one in run["findings"])
            assert [code for code in codes if code != "RC301"] == sorted(
                one["code"] for one in checked[run_id, job]["findings"]
            )
            [entry] = [facts for title, facts in report.items() if title.endswith(f"{run_id} of etl / {job}")]
            assert entry == {name: run[name] for name in entry if name != "codes"} | {"codes": codes}
            given = plugin[run_id, job]
            assert (given.states, given.state, given.duration) == (run["states"], run["state"], run["duration"])
            assert (given.parent.run_id if given.parent else None) == run["parent"]
            assert sorted(finding.code for finding in given.findings) == codes
            self._page_agrees(run, job or "")

    def _page_agrees(self, run: dict[str, Any], job: str) -> None:
        page = self.page("run", id=run["run_id"], job_name=job)
        assert f"{run['state']} Run of {job}" in " ".join(page.text.split())
        if run["parent"] is not None:
            hrefs = " ".join(one.attributes.get("href") or "" for one in page.all("a"))
            assert run["parent"].lower() in (hrefs + page.text).lower()

    # Lineage.

    @property
    def lineage(self) -> Lineage:
        return self.server.views.lineage(self.org)[self.org]

    def graph(self) -> dict[str, Any]:
        """As ``GET /lineage`` has it; the plugin, and the lists of jobs and datasets, have the same."""
        graph: dict[str, Any] = self.get("/lineage")
        given = graph_of(self.lineage)
        assert [tuple(job) for job in given.jobs] == [_pair(job) for job in graph["jobs"]]
        assert [tuple(one) for one in given.datasets] == [_pair(one) for one in graph["datasets"]]
        assert self.get("/jobs")["jobs"] == graph["jobs"][::-1]
        assert self.get("/datasets")["datasets"] == graph["datasets"][::-1]
        assert sorted(_pairs(graph["edges"])) == sorted(_edges_of(given))
        return graph

    def edges(self) -> set[tuple[str, str]]:
        """Edges by the names of their ends."""
        return {(one["from"]["name"], one["to"]["name"]) for one in self.graph()["edges"]}

    def column_edges(self) -> set[tuple[str, str]]:
        """Edges between columns, as dataset.column."""
        edges = {(_column(one["from"]), _column(one["to"])) for one in self.graph()["column_edges"]}
        given = graph_of(self.lineage)
        assert edges == {
            tuple(f"{end.dataset.name}.{end.name}" for end in (one.source, one.target)) for one in given.column_edges
        }
        return edges

    def around(self, name: str, namespace: str = "postgres://db:5432") -> set[str]:
        """The names of all that is connected with a dataset."""
        part = around(self.lineage, Place("dataset", namespace, name), 9, 100)
        assert part is not None
        return {place.name for place in part.nodes}

    def dataset(self, name: str) -> dict[str, Any]:
        [found] = [one for one in self.graph()["datasets"] if one["name"] == name]
        return {**found}


def _name(run: Any) -> RunName:
    return run["run_id"], run["job"]["name"]


def _without(run: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name not in names}


def _pair(one: dict[str, Any]) -> tuple[str, str]:
    return one["namespace"], one["name"]


def _pairs(edges: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    return ((_pair(edge["from"]), _pair(edge["to"])) for edge in edges)


def _edges_of(graph: LineageGraph) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for edge in graph.edges:
        (namespace, name), (other_namespace, other_name) = edge.source, edge.target
        yield (namespace, name), (other_namespace, other_name)


def _column(column: dict[str, Any]) -> str:
    return f"{column['name']}.{column['field']}"


__all__ = ["CASES", "DatasetId", "JobId", "Places"]
