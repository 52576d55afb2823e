"""The difference of two recordings as text, Markdown and a page."""

from __future__ import annotations

from mock_intake.model.words import counted
from mock_intake.report.difference import Change, Difference
from mock_intake.report.escaping import in_markdown, shown
from mock_intake.report.rendering import render

_SIGNS = {"came": "+", "went": "-", "changed": "~"}


def summary(difference: Difference) -> str:
    """What was compared, and what came of it."""
    sides = " to ".join(f"{one.name} ({counted(one.events, 'event')})" for one in (difference.before, difference.after))
    if not difference.changes:
        return f"From {sides}: no difference."
    losses = len(difference.losses)
    lost = f", {losses} of them {'a loss' if losses == 1 else 'losses'}" if losses else ""
    return f"From {sides}: {counted(len(difference.changes), 'change')}{lost}."


def words_of(change: Change) -> str:
    """A change without its subject, aspect and sign."""
    before, after = change.before, change.after
    more = f": {before} -> {after}" if before and after else f" ({before or after})" if before or after else ""
    return f"{change.name}{more}"


def to_text(difference: Difference) -> str:
    """Changes by job and type of event; what is a loss is marked."""
    lines = []
    for subject, changes in difference.by_subject():
        lines.append(shown(str(subject)))
        for change in changes:
            loss = "  (loss)" if change.is_loss else ""
            lines.append(shown(f"  {_SIGNS[change.kind]} {change.aspect:8} {words_of(change)}{loss}"))
        lines.append("")
    return "\n".join([*lines, shown(summary(difference))]) + "\n"


def to_markdown(difference: Difference) -> str:
    """The summary, and a table of the changes: losses first."""
    lines = ["# What changed", "", in_markdown(summary(difference))]
    if difference.changes:
        lines += ["", "| | Job and event | What | Before | After |", "|---|---|---|---|---|"]
    for change in sorted(difference.changes, key=lambda change: not change.is_loss):
        kind = f"**{change.kind}**" if change.is_loss else change.kind
        what = f"{change.aspect}: {change.name}"
        cells = (str(change.subject), what, change.before or "", change.after or "")
        lines.append(f"| {kind} | {' | '.join(in_markdown(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def to_html(difference: Difference) -> str:
    """A page that opens from a file: the summary, and the changes by job and type of event."""
    return render("difference.html", {"difference": difference, "summary": summary(difference)})
