"""Looks for a key in what a program prints, in every spelling that gives it away."""

from __future__ import annotations

import base64
import re

from mock_intake.secrets.api_keys import Masker, mask

# More than the longest spelling of a key (each character as a six-character escape) has.
_OVERLAP = 512
_AROUND = 60
_MOST = 5


class KeyWatch:
    """Finds one key in a stream of bytes: as it is, escaped, percent-encoded, and within base64."""

    def __init__(self, key: str) -> None:
        self._masker = Masker([key])
        self._mask = mask(key).encode()
        self._base64 = re.compile(b"|".join(map(re.escape, sorted(_base64_forms(key), key=len, reverse=True))))

    def found_in(self, data: bytes) -> bool:
        """Whether the key stands in the bytes, in any form."""
        return self._masker.found_in(data) or self._base64.search(data) is not None

    def masked(self, data: bytes) -> bytes:
        """The bytes with the key's mask wherever it stands."""
        return self._base64.sub(self._mask, self._masker.body(data))

    def text(self, data: bytes) -> str:
        """The bytes as text, the key masked."""
        return self.masked(data).decode("utf-8", "replace")


class WatchedStream:
    """The output of a program as far as it is kept, and the places in it where the key stood (masked).

    All of it is searched; of a long one the last ``keep`` bytes are kept.
    """

    def __init__(self, name: str, watch: KeyWatch, keep: int = 64 * 1024) -> None:
        self._name = name
        self._watch = watch
        self._keep = keep
        self._seen = b""
        self._kept = bytearray()
        self._cut = False
        self.leaks: list[str] = []

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the output; a key that is cut in two by it is found too."""
        window = self._seen + data
        if self._watch.found_in(window):
            self._tell(window)
            # Told once: what has been found must not be found again with the next piece.
            window = self._watch.masked(window)
        self._seen = window[-_OVERLAP:]
        self._kept += data
        if len(self._kept) > 2 * self._keep:
            del self._kept[: -self._keep]
            self._cut = True

    @property
    def text(self) -> str:
        """What is kept, keys masked. A line that was cut off at its beginning is left out: it may begin in a key."""
        kept = bytes(self._kept)
        if self._cut:
            kept = b"... " + kept.partition(b"\n")[2]
        return self._watch.text(kept)

    def _tell(self, window: bytes) -> None:
        for line in window.splitlines():
            if len(self.leaks) < _MOST and self._watch.found_in(line):
                shown = self._watch.text(line).strip()
                place = max(0, shown.find("****") - _AROUND)
                self.leaks.append(f"{self._name}: {shown[place : place + 3 * _AROUND]}")


def _base64_forms(key: str) -> set[bytes]:
    """The characters of base64 that a key alone decides, wherever it stands in what was encoded."""
    plain = key.encode("utf-8", "surrogateescape")
    forms = set()
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(plain)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(b"\0" * before + plain)[first:last])
    return forms
