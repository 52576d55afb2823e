"""How many findings there are of one thing that is judged, whatever it holds: few enough for a record and an answer.

Each rule that spoke is still heard, and each severity of its findings, so that the status is what it would be with all
of them; the last finding that is kept of a rule says how many more there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from mock_intake.model.findings import Finding, Severity

MOST_OF_A_RULE = 50
MOST_IN_ALL = 250
# Of all their texts together so many characters.
MOST_CHARACTERS = 128 * 1024
# How many of each rule are kept, where there are too many or too large ones in all.
_SHARES = (MOST_OF_A_RULE, 20, 10, 5, 2, 1)

_Kind = tuple[str, Severity]


class GatheredFindings(list[Finding]):
    """Findings of what is large, as they are made: of each rule so many are kept, and the others counted."""

    def __init__(self) -> None:
        super().__init__()
        self.made: Counter[_Kind] = Counter()
        """How many were made, by code and severity."""

    def __iadd__(self, findings: Iterable[Finding]) -> GatheredFindings:  # type: ignore[override, misc]
        made = self.made
        for finding in findings:
            kind = finding.code, finding.severity
            made[kind] += 1
            if made[kind] <= MOST_OF_A_RULE:
                self.append(finding)
        return self


def bounded(
    findings: Iterable[Finding], made: Counter[_Kind] | None = None, *, of: str = "the event"
) -> tuple[Finding, ...]:
    """The findings with at most so many of each rule, and of all; ``made`` says of how many, if not of these alone.

    ``of`` is what they are about, in words.
    """
    listed = tuple(findings)
    if len(listed) <= MOST_OF_A_RULE and made is None:
        return listed
    made = made or Counter((finding.code, finding.severity) for finding in listed)
    kept = listed
    for share in _SHARES:
        kept = _share(listed, made, share, of)
        if len(kept) <= MOST_IN_ALL and sum(map(_size, kept)) <= MOST_CHARACTERS:
            break
    return kept


def _share(findings: tuple[Finding, ...], made: Counter[_Kind], share: int, of: str) -> tuple[Finding, ...]:
    seen: Counter[_Kind] = Counter()
    kept = []
    for finding in findings:
        kind = finding.code, finding.severity
        seen[kind] += 1
        more = made[kind] - share
        if seen[kind] < share or (more <= 0 and seen[kind] <= share):
            kept.append(finding)
        elif seen[kind] == share:
            kept.append(replace(finding, message=f"{finding.message} (and {more} more of {finding.code} in {of})"))
    return tuple(kept)


def _size(finding: Finding) -> int:
    texts = (finding.pointer, finding.message, finding.expected, finding.actual, finding.advice)
    return sum(len(text) for text in texts if text is not None)
