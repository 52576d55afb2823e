"""The codes of rules, as tests and settings name them."""

from __future__ import annotations

from itertools import takewhile

from mock_intake.judging.catalogue import RULES


def known_code(code: str) -> str:
    """A rule's code, or the beginning of codes, in its own spelling. Raises ``ValueError`` if there is no such rule."""
    __tracebackhide__ = True
    code = code.upper()
    if any(known.startswith(code) for known in RULES):
        return code
    from difflib import get_close_matches

    near = get_close_matches(code, RULES, cutoff=0.8)
    # Of several that are as near those that begin alike.
    alike = {known: _alike(known, code) for known in near}
    near = [known for known in near if alike[known] == max(alike.values())]
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(f"there is no rule {code}; {meant}`mock-intake rules` lists them")


def _alike(one: str, other: str) -> int:
    """With how many of the same characters two codes begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
