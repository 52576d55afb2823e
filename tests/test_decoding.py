"""Content-Encoding undone: what was compressed comes back, what was not is refused, and nothing passes the limit."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.body.decoding import CorruptBodyError, DecodedTooLargeError, UnsupportedEncodingError, decode
from tests.fuzz import gzip_bomb

MEBIBYTE = 1024 * 1024
Packer = Callable[[bytes], bytes]


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


def with_file_name(body: bytes) -> bytes:
    """A gzip member with every optional field in its header: extra, name, comment, header checksum."""
    plain = gzip.compress(body, mtime=0)
    header = b"\x1f\x8b\x08\x1e" + plain[4:10] + b"\x02\x00ab" + b"event.json\x00" + b"comment\x00"
    return header + (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little") + plain[10:]


PACKERS: dict[str, tuple[str, Packer]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip by its old name": ("x-gzip", gzip.compress),
    "gzip in capitals": ("GZIP", gzip.compress),
    "gzip with all header fields": ("gzip", with_file_name),
    "gzip after identity": ("identity, gzip", gzip.compress),
    "stored gzip": ("gzip", lambda body: gzip.compress(body, compresslevel=0)),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "identity": ("identity", bytes),
    "an empty header": ("", bytes),
}
# Bytes that compress well beside bytes that do not, and more than the decoder takes at a time.
payloads = st.one_of(
    st.binary(max_size=2_000),
    st.builds(lambda unit, times: unit * times, st.binary(min_size=1, max_size=50), st.integers(1, 20_000)),
)


@pytest.mark.parametrize("packer", PACKERS)
@given(body=payloads)
def test_what_was_packed_comes_back(packer: str, body: bytes) -> None:
    encoding, pack = PACKERS[packer]
    packed = pack(body)
    assert decode(packed, encoding, len(body)) == body
    assert decode(packed, encoding, len(body) + 1) == body


@pytest.mark.parametrize("packer", PACKERS)
@given(body=payloads.filter(bool), missing=st.integers(1, 100))
def test_the_limit_holds_to_the_byte(packer: str, body: bytes, missing: int) -> None:
    encoding, pack = PACKERS[packer]
    limit = max(0, len(body) - missing)
    with pytest.raises(DecodedTooLargeError) as caught:
        decode(pack(body), encoding, limit)
    assert body.startswith(caught.value.decoded)
    assert len(caught.value.decoded) <= limit + 1


@given(st.lists(st.binary(max_size=500), min_size=1, max_size=6), st.sampled_from(["gzip", "x-gzip"]))
def test_gzip_members_on_end_are_one_body(parts: list[bytes], encoding: str) -> None:
    body = b"".join(parts)
    packed = b"".join(map(gzip.compress, parts))
    assert decode(packed, encoding, len(body)) == body
    if body:
        with pytest.raises(DecodedTooLargeError):
            decode(packed, encoding, len(body) - 1)


@given(payloads, st.data())
def test_a_gzip_stream_that_is_cut_off_is_corrupt_and_gives_what_there_was(body: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(body)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(CorruptBodyError) as caught:
        decode(packed[:cut], "gzip", len(body))
    assert body.startswith(caught.value.decoded)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]), st.integers(0, 200))
def test_any_bytes_are_decoded_refused_or_corrupt(body: bytes, encoding: str, limit: int) -> None:
    try:
        decoded = decode(body, encoding, limit)
    except (CorruptBodyError, DecodedTooLargeError) as error:
        decoded = error.decoded[:-1]  # one byte more than the limit tells that there is more
    assert len(decoded) <= limit


@pytest.mark.parametrize("body", [b"", b'{"eventType": "START"}', b"\x1f\x8b", b"\x1f\x8b\x08\x00"])
def test_what_is_no_gzip_is_corrupt(body: bytes) -> None:
    with pytest.raises(CorruptBodyError):
        decode(body, "gzip", 1_000)


def test_a_wrong_checksum_is_corrupt_and_gives_what_was_decoded() -> None:
    body = b'{"eventType": "START"}' * 10
    packed = gzip.compress(body)
    with pytest.raises(CorruptBodyError) as caught:
        decode(packed[:-8] + b"\0\0\0\0" + packed[-4:], "gzip", 1_000)
    assert caught.value.decoded == body


@pytest.mark.parametrize("packer", ["gzip", "zlib", "raw deflate"])
def test_bytes_behind_the_stream_are_corrupt_and_are_counted(packer: str) -> None:
    encoding, pack = PACKERS[packer]
    with pytest.raises(CorruptBodyError, match="7 bytes behind") as caught:
        decode(pack(b"event") + b"garbage", encoding, 1_000)
    assert caught.value.decoded == b"event"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "compress", "*", "\xff"])
def test_other_encodings_are_named_as_unsupported(encoding: str) -> None:
    with pytest.raises(UnsupportedEncodingError, match=r"^.+$"):
        decode(b"", encoding, 1_000)


def test_a_bomb_takes_no_more_memory_than_the_limit_and_its_copy() -> None:
    bomb = gzip_bomb(1024)
    tracemalloc.start()
    try:
        with pytest.raises(DecodedTooLargeError) as caught:
            decode(bomb, "gzip", 8 * MEBIBYTE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(caught.value.decoded) == 8 * MEBIBYTE + 1
    # The parts, the whole, and what zlib was not given yet.
    assert peak < 2 * 8 * MEBIBYTE + 4 * len(bomb)


def test_a_body_of_very_many_empty_members_takes_no_quadratic_time() -> None:
    packed = gzip.compress(b"", mtime=0) * (3 * MEBIBYTE // 20) + gzip.compress(b"{}")
    began = time.process_time()
    assert decode(packed, "gzip", 1_000) == b"{}"
    assert time.process_time() - began < 2
