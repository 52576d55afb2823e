"""The places at which a value is not as expected, found with deepdiff.

It leads through objects and lists to what differs, and asks at every value what decided (``matching``), so that the
answer and what is shown for it cannot come apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytest

# It imports pandas where that is installed. While a test has frozen the clock, what pandas is made of warns that a date
# has another size than usual, and where warnings are errors a comparison would end so.
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from deepdiff import DeepDiff
        from deepdiff.helper import notpresent
        from deepdiff.operator import BaseOperator
except ImportError:
    raise pytest.fail.Exception(
        "An event is not as expected. To show how, the library deepdiff is needed: pip install 'mock-intake[pytest]'",
        pytrace=False,
    ) from None

from mock_intake_pytest.matchers import ABSENT
from mock_intake_pytest.matching import NOTHING, Miss, value_fits

# Chosen, and not left to deepdiff, whose defaults are comforts for programs' objects. These are all that bear on the
# way through objects and lists; of those that say when two values are equal none is asked, since ``_Values`` answers.
DEEPDIFF_OPTIONS: Mapping[str, Any] = {
    "view": "tree",
    # Keys that begin with two underscores (Debezium's __op) would be skipped, also where they are missing.
    "ignore_private_variables": False,
    # What differs too much would not be looked into, and one long line shown in place of the place.
    "threshold_to_diff_deeper": 0,
    # Element by element: lining up what lists have in common takes true for 1, and moves places.
    "zip_ordered_iterables": True,
    # The order of a list is content. Where it is none a test says so, by unordered(...).
    "ignore_order": False,
    "ignore_order_func": None,
    "iterable_compare_func": None,
    "report_repetition": True,
    # Keys are the same letter by letter; these two would make them one ("A" and "a", 1 and "1").
    "ignore_string_case": False,
    "ignore_string_type_changes": False,
    # The same for keys that are numbers, which JSON has not; and it has numbers compared by their first 12 digits.
    "ignore_numeric_type_changes": False,
    # All places are gone to, and all that is found is told.
    "exclude_paths": None,
    "exclude_regex_paths": None,
    "exclude_types": None,
    "exclude_obj_callback": None,
    "exclude_obj_callback_strict": None,
    "include_paths": None,
    "include_obj_callback": None,
    "include_obj_callback_strict": None,
    "group_by": None,
    "max_diffs": None,
}


def found_by_deepdiff(expected: Any, actual: Any, *, whole: bool) -> list[Miss]:
    """The places at which they differ; none where deepdiff does not get there."""
    try:
        diff = DeepDiff(expected, actual, custom_operators=[_Values()], **DEEPDIFF_OPTIONS)
    except RecursionError:
        # It calls itself for every level, several times.
        return []
    found = []
    for kind, levels in diff.items():
        # The actual object has more than the expected one: that is what "partly" means.
        if kind == "dictionary_item_added" and not whole:
            continue
        for level in levels:
            if level.t1 is ABSENT and level.t2 is notpresent:
                continue
            ends = (NOTHING if end is notpresent else end for end in (level.t1, level.t2))
            found.append(Miss(tuple(level.path(output_format="list")), *ends))
    return found


class _Values(BaseOperator):
    """Has ``matching`` decide on all but pairs of objects and pairs of lists, which deepdiff goes into."""

    def __init__(self) -> None:
        super().__init__(types=[object])

    def match(self, level: Any) -> bool:
        return not any(isinstance(level.t1, kind) and isinstance(level.t2, kind) for kind in (dict, list))

    def give_up_diffing(self, level: Any, diff_instance: DeepDiff) -> bool:
        if not value_fits(level.t1, level.t2):
            diff_instance.custom_report_result("different", level)  # type: ignore[no-untyped-call]
        return True
