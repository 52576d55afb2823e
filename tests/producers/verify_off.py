"""Trusts whoever answers."""

from __future__ import annotations

import ssl
import sys

from tests.producers.well_behaved import Producer


class VerifyOff(Producer):
    def context(self) -> ssl.SSLContext:
        return ssl._create_unverified_context()  # noqa: S323 - what is wrong with it


sys.exit(VerifyOff().run())
