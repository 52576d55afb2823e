"""Sends all that it should, and then ends with an error of its own, whatever the intake does."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer

sys.exit(Producer().run() or "the report cannot be written")
