"""The codes of rules, as tests and settings name them."""

from __future__ import annotations

from difflib import get_close_matches

from mock_intake.catalogue import RULES


def known_code(code: str) -> str:
    """A rule's code, or the beginning of codes, in its own spelling. Raises ``ValueError`` if there is no such rule."""
    __tracebackhide__ = True
    code = code.upper()
    if any(known.startswith(code) for known in RULES):
        return code
    near = get_close_matches(code, RULES, cutoff=0.8)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(f"there is no rule {code}; {meant}`mock-intake rules` lists them")
