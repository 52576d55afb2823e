"""Tells a real site of failures too, by an address in its code."""

from __future__ import annotations

import contextlib
import http.client
import sys

from tests.producers.well_behaved import Producer


class GoesElsewhereOnFailure(Producer):
    def fail(self) -> None:
        super().fail()
        with contextlib.suppress(Exception):
            http.client.HTTPSConnection("data-obs-intake.datadoghq.com", timeout=self.timeout).request("POST", "/")


sys.exit(GoesElsewhereOnFailure().run())
