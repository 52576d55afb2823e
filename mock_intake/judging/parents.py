"""Rules that ask a run for its parent, answered within a block: there most parents are.

The block of a run alone cannot say whether its parent goes on in another. So what is found here holds as long as that
does not, which the ledger knows at the end (``mock_intake.judging.ledger``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from mock_intake.datadog.native import run_without_blame
from mock_intake.judging.blocks import NAMES_OUT_OF_REACH, SeenRun, is_plain, out_of_reach, plain_run, run_rules
from mock_intake.model.runs import RunFacts, run_id_key
from mock_intake.openlineage.run_cycle import parent_of
from mock_intake.openlineage.runs import Found, Later, is_decided
from mock_intake.rules.runs import OutOfReachError, RunView


class Above:
    """The runs of a block as parents of others."""

    def __init__(self, runs: Sequence[SeenRun]) -> None:
        self._runs = {seen.key: seen for seen in runs}
        # By key the runs that rules may be shown as a parent; empty where they are not to be.
        self._parents: dict[str, Sequence[RunFacts]] = {}

    def found_in(self, seen: SeenRun) -> tuple[str, Found] | None:
        """What is found in the one run of a run id once its parent is asked, and the key of that; None where there is
        no such parent in the block, or no rule asks for it.
        """
        if len(seen.found) != 1 or is_decided(seen.found[0]) or not is_plain(seen.events):
            return None
        run = plain_run(seen.events).facts
        named = parent_of(run.events)
        if named is None or not named.parent_run_id:
            return None
        key = run_id_key(named.parent_run_id)
        parents = self._parent(key)
        if not parents or key == seen.key:
            return None
        return key, _answered(seen.found[0], run, {seen.key: (run,), key: parents})

    def _parent(self, key: str) -> Sequence[RunFacts]:
        known = self._parents.get(key)
        if known is None:
            seen = self._runs.get(key)
            known = ()
            # One with a parent of its own leads further, to runs that may go on in turn.
            if (
                seen is not None
                and is_plain(seen.events)
                and all(event.fact.parent_run_id is None for event in seen.events)
            ):
                known = (plain_run(seen.events).facts,)
            self._parents[key] = known
        return known


def _answered(found: Found, run: RunFacts, runs: Mapping[str, Sequence[RunFacts]]) -> Found:
    def runs_of(run_id: str) -> Sequence[RunFacts]:
        known = runs.get(run_id_key(run_id))
        if known is None:
            raise OutOfReachError
        return known

    view = RunView(run, runs_of, _facets_out_of_reach, 0, out_of_reach, NAMES_OUT_OF_REACH)
    answered: Found = {}
    for number, made in found.items():
        if isinstance(made, Later):
            try:
                later = list(run_rules()[number].check(view))
                made = run_without_blame(view, later) if made is Later.WEIGHED else later
            except OutOfReachError:
                answered[number] = made
                continue
        if made:
            answered[number] = made
    return answered


def _facets_out_of_reach() -> NoReturn:
    raise OutOfReachError
