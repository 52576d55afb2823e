"""Keys of other orgs in a body: known by the digest that an org is called by, as no key is kept anywhere.

A producer that has the key of another team in its environment, and sends its environment, gives that away.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Container, Iterable, Iterator

from mock_intake.model.exchange import ANONYMOUS, UNATTRIBUTED
from mock_intake.system.patterns import pattern_of

_DIGITS = b"0123456789abcdefABCDEF"
_MAP = bytes(ord("0") if byte in _DIGITS else ord(" ") for byte in range(256))
_KEY = 32
_LOOKS_LIKE_A_KEY = b"0" * _KEY
_RUN = pattern_of(rb"0{32,}+")
# A body of nothing but such words must not cost more than it does to be judged.
_MOST_WORDS = 20_000
# Of so many orgs the keys are known; of more, those that were heard of last.
_MOST_ORGS = 50_000


class KnownOrgs:
    """The orgs that a server has heard of. Those heard of first are forgotten where there are very many.

    Safe to add to from several threads.
    """

    def __init__(self, orgs: Iterable[str] = ()) -> None:
        self._orgs: dict[str, None] = {}
        self._lock = threading.Lock()
        for org in orgs:
            self.add(org)

    def __contains__(self, org: object) -> bool:
        return org in self._orgs

    def beside(self, org: str) -> bool:
        """Whether there are others than this one."""
        return len(self._orgs) > (org in self._orgs)

    def add(self, org: str) -> None:
        """Hears of an org; what belongs to nobody is none."""
        if org not in self._orgs and org not in (UNATTRIBUTED, ANONYMOUS):
            with self._lock:
                self._orgs[org] = None
                if len(self._orgs) > _MOST_ORGS:
                    del self._orgs[next(iter(self._orgs))]


def keys_of_orgs(data: bytes, orgs: Container[str]) -> frozenset[str]:
    """The words of 32 hexadecimal digits in a text that are keys of these orgs, as they stand there."""
    digits = data.translate(_MAP)
    if _LOOKS_LIKE_A_KEY not in digits:
        return frozenset()
    return frozenset(word for word in _words(data, digits) if any(_org(key) in orgs for key in _spellings(word)))


def _words(data: bytes, digits: bytes) -> Iterator[str]:
    for number, run in enumerate(_RUN.finditer(digits)):
        if number == _MOST_WORDS:
            return
        if run.end() - run.start() == _KEY:
            yield data[run.start() : run.end()].decode("ascii")


def _spellings(word: str) -> set[str]:
    return {word, word.lower(), word.upper()}


def _org(key: str) -> str:
    # Not by api_keys.org_of, which keeps what it was asked for.
    return hashlib.sha256(key.encode()).hexdigest()[:12]
