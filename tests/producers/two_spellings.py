"""Writes one dataset in two ways."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class TwoSpellings(Producer):
    inputs = (("postgres://db:5432", "shop.public.orders"), ("postgres://db:5432", "SHOP.PUBLIC.ORDERS"))


sys.exit(TwoSpellings().run())
