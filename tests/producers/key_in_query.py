"""Has its key in the URL too."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class KeyInQuery(Producer):
    def path(self) -> str:
        return f"{super().path()}?api_key={self.key}"


sys.exit(KeyInQuery().run())
