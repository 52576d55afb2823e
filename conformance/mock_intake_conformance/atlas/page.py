"""docs/producers.md and the pages behind it: made of the atlas, so that they say what was measured and nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mock_intake.datadog.sites import intake_host
from mock_intake.model.words import counted
from mock_intake.producers.paths import REAL_SITE, Addresses, all_variables, variables
from mock_intake_conformance.atlas.answers import QUESTIONS, sends_at_the_end
from mock_intake_conformance.atlas.by_hand import POINTING, command_line, setting_up
from mock_intake_conformance.atlas.model import RealProducer
from mock_intake_conformance.scenarios import SCENARIOS

Facts = Mapping[str, Any]
_KEY, _YOURS = "$DD_API_KEY", "<your API key>"
_SOCKET = "unix:///var/run/datadog/apm.socket"
_INTRODUCTION = """\
# Real producers

This page is generated from the atlas, which is measured: `make atlas` installs each producer at pinned versions, runs a
small pipeline (orders and customers in, daily revenue out) through the scenarios of `mock-intake certify`, and writes
what was seen. It is no part of CI. `mock-intake atlas` prints it, `mock-intake atlas --against DIR` tells what has
changed against an older one.

What stands here is true of these versions and of this pipeline. Where a cell says *no*, the producer's own page says
what was seen, and what a user can set against it, if anything was tried."""
_ORDER = {"error": 0, "warning": 1, "info": 2}


def overview(atlas: Mapping[str, Facts]) -> str:
    """The page with the table: producer by question."""
    runs = {name: facts for name, facts in atlas.items() if facts["runs"]}
    lines = [_INTRODUCTION, "", f"| Producer | Ready | {' | '.join(question.head for question in QUESTIONS)} |"]
    lines.append("|---" * (len(QUESTIONS) + 2) + "|")
    for name, facts in runs.items():
        page = f"producers/{name}.md"
        ready = f"[{'yes' if facts['ready'] else 'no'}]({page})"
        cells = [f"[{question.answer(facts)}]({page}#{_anchor(facts, question.evidence)})" for question in QUESTIONS]
        lines.append(f"| [{_cell(facts['title'])}]({page}) | {ready} | {' | '.join(cells)} |")
    lines += ["", "## What is asked", ""]
    lines += ["* **Ready**: no case of `mock-intake certify` failed that must pass, of those that were run."]
    lines += [f"* **{question.head}**: {question.asks}" for question in QUESTIONS]
    lines += ["", "## What could not be measured", "", "| Producer | Pinned | Why |", "|---|---|---|"]
    for name, facts in atlas.items():
        if not facts["runs"]:
            pins = ", ".join(f"`{pin}`" for pin in facts["pins"])
            lines.append(f"| [{_cell(facts['title'])}](producers/{name}.md) | {pins} | {_cell(facts['reason'])} |")
    took = sum(
        facts.get("install", {}).get("megabytes", 0)
        for facts in {_share(each): each for each in atlas.values()}.values()
    )
    seconds = sum(_seconds(facts) for facts in atlas.values())
    lines += ["", "## What it takes", ""]
    lines.append(
        f"Installed, all of them take {took / 1000:.1f} GB below `build/atlas`. Installing and running them, one"
    )
    lines.append(
        f"command at a time, took {seconds / 3600:.1f} hours on two cores that had much else to do, cures not counted."
    )
    return "\n".join(lines) + "\n"


def producer_page(producer: RealProducer, facts: Facts) -> str:
    """The page of a producer."""
    lines = [f"# {facts['title']}", "", "[All producers](../producers.md). This page is generated: `make docs`.", ""]
    load = f", at a load of {facts['load']}" if "load" in facts else ""
    lines += [f"Measured on {facts['measured']} with {_versions(facts)}{load}.", ""]
    if not facts["runs"]:
        refused = _findings(facts) if "findings" in facts else ()
        return "\n".join([*lines, f"It could not be measured. {facts['reason']}", "", *_pointing(producer), *refused])
    lines += [*_pointing(producer), *_expected(facts), *_cures(facts)]
    lines += [*_events("Events", facts["events"], facts["events_left_out"])]
    if "failing_events" in facts:
        lines += _events("Events of the failing run", facts["failing_events"], 0)
    lines += [*_findings(facts), *_faults(facts), *_cases(facts), *_pins(facts)]
    return "\n".join(lines) + "\n"


def _anchor(facts: Facts, evidence: str) -> str:
    there = evidence != "events-of-the-failing-run" or "failing_events" in facts
    return evidence if there else "events"


def _seconds(facts: Facts) -> float:
    """How long its install and its commands took, as they were measured."""
    runs = sum(here["seconds"] for here in facts.get("scenarios", {}).values())
    return float(facts.get("install", {}).get("seconds", 0) + runs)


def _share(facts: Facts) -> str:
    return ",".join(facts["pins"])


def _versions(facts: Facts) -> str:
    return ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items()) or ", ".join(
        facts["pins"]
    )


def _pointing(producer: RealProducer) -> Iterator[str]:
    command = command_line(producer)
    if producer.files:
        yield from setting_up(producer)
    yield from (POINTING, "", producer.how, "", "```console")
    yield f"$ mock-intake certify --producer {producer.name} -- {command}"
    if not producer.leads:
        yield f"$ mock-intake run --path {producer.path} -- {command}"
    yield from ("```", "", "## Pointing it at Datadog", "", "```sh")
    yield from (f"export {name}={_quoted(value)}" for name, value in at_datadog(producer).items())
    yield from ("```", "")


def at_datadog(producer: RealProducer) -> dict[str, str]:
    """The variables that lead it to Datadog, by the way that it was measured on."""
    url = f"https://{intake_host(REAL_SITE)}"
    agent = "http://localhost:8126"
    where = Addresses(url, _KEY, agent_url=agent)
    everything = all_variables(producer.path, where)
    found = {name: everything[name] for name in producer.reads} or variables(producer.path, where)
    if "DD_SITE" in found:
        # Here it is the mock's address.
        found["DD_SITE"] = REAL_SITE
    if producer.path == "custom" and producer.leads:
        found = {}
    elif "DD_API_KEY" in found:
        found["DD_API_KEY"] = _YOURS
    own = {
        name: value.replace("{url}", url).replace("{key}", _KEY).replace("{socket}", _SOCKET)
        for name, value in producer.leads.items()
    }
    return {name: value for name, value in {**found, **own}.items() if name not in ("NO_PROXY", "no_proxy")}


def _quoted(value: str) -> str:
    if value.startswith(("{", "[")):
        return "'" + value.replace(_KEY, f"'\"{_KEY}\"'") + "'"
    return f'"{value}"' if value == _KEY else shlex.quote(value)


def _expected(facts: Facts) -> Iterator[str]:
    yield from ("## What to expect", "")
    yield f"{'Ready' if facts['ready'] else 'Not ready'} to go live, as it was measured."
    if sends_at_the_end(facts):
        yield "It sends all of its events at its end: what ends it before that leaves no trace of the run."
    yield ""
    # An answer that has something strong in it, for the table, is strong as a whole here.
    yield from (f"* {question.asks} **{question.answer(facts).replace('**', '')}**" for question in QUESTIONS)
    yield ""


def _cures(facts: Facts) -> Iterator[str]:
    yield from ("## What to set", "")
    if not facts["cures"]:
        yield from ("Nothing was tried beside the variables above.", "")
        return
    for cure in facts["cures"]:
        yield f"* {cure['what']} Tried against {', '.join(f'`{code}`' for code in cure['against'])}: " + _result(cure)
    yield ""


def _result(cure: Facts) -> str:
    words = ["**it works**" if cure["works"] else "**it does not cure that**"]
    words += [f"`{case}` {now}, {was} before" for case, (was, now) in cure["cases"].items()]
    if cure["gone"]:
        words.append(f"findings gone: {', '.join(cure['gone'])}")
    if cure["new"]:
        words.append(f"findings that are new: {', '.join(cure['new'])}")
    return "; ".join(words) + "."


def _events(title: str, events: Sequence[Facts], left_out: int) -> Iterator[str]:
    yield from (f"## {title}", "", "| Type | Run | Job | Facets | Inputs | Outputs |", "|---|---|---|---|---|---|")
    for event in events:
        run = event.get("run", "") + (f", of {event['parent']}" if event.get("parent") else "")
        facets = ", ".join([*event.get("run_facets", []), *event.get("job_facets", [])])
        sides = (", ".join(_dataset(each) for each in event.get(side, [])) for side in ("inputs", "outputs"))
        cells = (event.get("type") or "", run, event.get("job", ""), facets, *sides)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    if left_out:
        yield from ("", f"And {counted(left_out, 'event')} more.")
    yield ""


def _dataset(dataset: Facts) -> str:
    facets = f" ({', '.join(dataset['facets'])})" if dataset["facets"] else ""
    return f"{dataset['name']}{facets}"


def _findings(facts: Facts) -> Iterator[str]:
    yield from ("## Findings", "")
    found = {**facts.get("failing_findings", {}), **facts["findings"]}
    if not found:
        yield from ("None.", "")
        return
    yield from ("| Code | Severity | Good run | Failing run | The first one |", "|---|---|---|---|---|")
    for code, finding in sorted(found.items(), key=lambda item: (_ORDER[item[1]["severity"]], item[0])):
        good = facts["findings"].get(code, {}).get("times", "")
        failing = facts.get("failing_findings", {}).get(code, {}).get("times", "")
        link = f"[{code}](../rules.md#{code.lower()})"
        yield f"| {link} | {finding['severity']} | {good} | {failing} | {_cell(finding['message'])} |"
    yield ""


def _faults(facts: Facts) -> Iterator[str]:
    yield from ("## When the intake misbehaves", "")
    yield "| Scenario | Exit code | Seconds | Requests | Most attempts | Lost | Taken twice | Loss told |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, here in facts["scenarios"].items():
        code = "still running" if here["exit_code"] is None else here["exit_code"]
        says_so = ("yes" if here["told"] else "no") if here.get("lost") else ""
        rest = [here.get(field, "") for field in ("attempts", "lost", "duplicates")]
        cells = [code, here["seconds"], here["requests"], *rest, says_so]
        yield f"| {SCENARIOS[name].title if name in SCENARIOS else name} | {' | '.join(map(str, cells))} |"
    yield ""


def _cases(facts: Facts) -> Iterator[str]:
    yield from ("## Cases", "", "| Case | Verdict | What was seen |", "|---|---|---|")
    for case, result in facts["cases"].items():
        anchor = case.replace("/", "")
        verdict = f"**{result['verdict']}**" if result["verdict"] in ("failed", "errored") else result["verdict"]
        link = f"[{case}](../reference/conformance.md#{anchor})"
        yield f"| {link} | {verdict} | {_cell(result.get('seen', ''))} |"
    yield ""


def _pins(facts: Facts) -> Iterator[str]:
    pins = ", ".join(f"`{pin}`" for pin in facts["pins"])
    took = facts["install"]
    yield from ("## What was installed", "", f"{pins}: {took['megabytes']} MB.")
    requests = facts["requests"]
    agents = ", ".join(f"`{agent}`" for agent in requests["agents"])
    encodings = ", ".join(requests["encodings"])
    yield from ("", f"Requests went to `{'`, `'.join(requests['paths'])}` as {agents}, Content-Encoding {encodings}.")


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
