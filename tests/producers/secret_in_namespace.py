"""Names its dataset by the URL that it connects with, password and all."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class SecretInNamespace(Producer):
    inputs = (("postgres://etl:hunter2-hunter2@db:5432", "shop.public.orders"),)


sys.exit(SecretInNamespace().run())
