"""Follows redirects, and takes all its headers along."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Answer, Producer


class FollowsWithItsKey(Producer):
    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        answer = super().post(url, body, headers)
        location = answer.headers.get("location")
        return super().post(location, body, headers) if location else answer


sys.exit(FollowsWithItsKey().run())
