"""Checks who has signed a certificate, and not for whom it is."""

from __future__ import annotations

import ssl
import sys

from tests.producers.well_behaved import Producer


class AnyHost(Producer):
    def context(self) -> ssl.SSLContext:
        context = super().context()
        context.check_hostname = False
        return context


sys.exit(AnyHost().run())
