"""Names that hold an id of their run: of jobs and datasets, ever another one with each run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_LONGEST_NAME = 512
# So many names of a group are kept: more are no news.
MOST_NAMES = 50
# So many in all groups together: those groups go first that no name was added to for longest.
MOST_IN_ALL = 20_000
_HEX = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9a-f]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{16,}"
_DAY = r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3])[:._-]?[0-5]\d[:._-]?[0-5]\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
# Plain numbers and dates are none: customer_1001, load_20260101.
_ID = re.compile(rf"(?<![0-9a-z])(?:{_HEX}|{_DAY}[t_ -]?{_CLOCK})(?![0-9a-z])", re.IGNORECASE)
# As Trino makes them: the time, how many there were since its start, and a part of the coordinator's own.
_TRINO = re.compile(r"(?:19|20)\d{6}_\d{6}_\d{5}_[a-z0-9]{5}")


def template_of(name: str) -> str | None:
    """``name`` with a star in place of what may be an id of its run; None where there is no such thing in it."""
    # Asked here, so that what is long is not remembered.
    return None if len(name) > _LONGEST_NAME else _template_of(name)


@lru_cache(maxsize=4_096)
def _template_of(name: str) -> str | None:
    if _TRINO.fullmatch(name):
        return "*"
    template, found = _ID.subn("*", name)
    return template if found else None


def is_trinos(name: str) -> bool:
    """Whether ``name`` is the id of a query of Trino."""
    return _TRINO.fullmatch(name) is not None


class NamedPerRun(NamedTuple):
    """Jobs or datasets (``what``) of one namespace that differ in an id alone, each of one run; ``template`` has a star
    where it stands."""

    what: str
    namespace: str
    template: str
    names: tuple[str, ...]


_RunKey = tuple[str, str]
_GroupKey = tuple[str, str, str, str]


class _Group:
    """Names that differ in an id alone, by ``names`` the run that each came with; ``shared`` once one came with two.

    ``first`` is the run that the group began with.
    """

    __slots__ = ("first", "names", "shared")

    def __init__(self, first: str) -> None:
        self.first = first
        self.names: dict[str, str] = {}
        self.shared = False


class PerRunNames:
    """Names in which an id may stand, by what is left of them; each with the run that it came with.

    Bounded, whatever is sent: what is long is left out, and where there are too many names, the groups that have not
    grown for longest.
    """

    def __init__(self, most: int = MOST_IN_ALL) -> None:
        self._most = most
        self._count = 0
        # The group that a name was added to last is the last.
        self._groups: dict[_GroupKey, _Group] = {}
        # The groups that have names of a run, by org and run.
        self._of_run: dict[_RunKey, dict[_GroupKey, None]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, org: str, run: str, what: str, namespace: str | None, name: str | None) -> None:
        """Adds the ``name`` of a job or dataset (``what``) that an event of ``run`` has; most have no id in them, and
        cost a look.
        """
        template = None if name is None else template_of(name)
        if template is None or name is None or namespace is None:
            return
        if len(namespace) > _LONGEST_NAME or len(run) > _LONGEST_NAME:
            return
        key = (org, what, namespace, template)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(run)
        if name in group.names:
            group.shared = group.shared or group.names[name] != run
        elif len(group.names) < MOST_NAMES:
            group.names[name] = run
            self._of_run.setdefault((org, run), {})[key] = None
            self._groups[key] = self._groups.pop(key)
            self._count += 1
            while self._count > self._most:
                self._leave_out(next(iter(self._groups)))

    def forget(self, org: str, run: str) -> None:
        """Leaves out the names that came with ``run`` first: nothing of it is on record any more."""
        for key in self._of_run.pop((org, run), ()):
            group = self._groups[key]
            for name in [name for name, owner in group.names.items() if owner == run]:
                del group.names[name]
                self._count -= 1
            if not group.names:
                del self._groups[key]
            elif group.first == run:
                group.first = next(iter(group.names.values()))

    def _leave_out(self, key: _GroupKey) -> None:
        group = self._groups.pop(key)
        self._count -= len(group.names)
        for owner in set(group.names.values()):
            keys = self._of_run[key[0], owner]
            del keys[key]
            if not keys:
                del self._of_run[key[0], owner]

    def begun_by(self, org: str, run: str, least: int = 3) -> Iterable[NamedPerRun]:
        """The groups of ``least`` names or more, each of one run, of which the first came with ``run``."""
        for key in self._of_run.get((org, run), ()):
            group = self._groups[key]
            runs = set(group.names.values())
            if group.first == run and not group.shared and least <= len(group.names) == len(runs):
                yield NamedPerRun(key[1], key[2], key[3], tuple(group.names))

    def runs(self) -> list[_RunKey]:
        """The runs that ``begun_by`` may have something for: org and id."""
        return list(self._of_run)
