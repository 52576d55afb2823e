"""The name server within, as a function: messages in, messages out."""

from __future__ import annotations

import struct

import pytest

from mock_intake.producers.isolation import Reach, parse_reach
from mock_intake.producers.isolation.names import answer, question

KNOWN = {"db.example": "127.83.201.2"}


def asked(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def test_a_known_name_has_its_address() -> None:
    answered = answer(asked("DB.Example"), KNOWN.get)
    assert struct.unpack_from("!6H", answered) == (7, 0x8180, 1, 1, 0, 0)
    assert answered.endswith(struct.pack("!HHHIH4B", 0xC00C, 1, 1, 5, 4, 127, 83, 201, 2))


def test_of_a_known_name_other_questions_have_an_empty_answer_and_others_do_not_exist() -> None:
    assert struct.unpack_from("!6H", answer(asked("db.example", kind=28), KNOWN.get)) == (7, 0x8180, 1, 0, 0, 0)
    assert struct.unpack_from("!6H", answer(asked("api.example"), KNOWN.get)) == (7, 0x8183, 1, 0, 0, 0)


@pytest.mark.parametrize("message", [b"", b"\0" * 11, asked("a.b")[:-6], asked("a.b").replace(b"\1a", b"\xc0\x0c")])
def test_what_is_no_question_gets_no_address(message: bytes) -> None:
    assert question(message) is None
    assert answer(message, KNOWN.get)[3:8] in (b"", b"\x81\0\0\0\0")


def test_addresses_that_may_be_reached_are_a_host_and_a_port() -> None:
    assert parse_reach("DB.internal:5432") == Reach("db.internal", 5432)
    assert parse_reach("10.0.0.7:80") == Reach("10.0.0.7", 80)
    for text in (
        "db",
        "db:",
        ":80",
        "db:0",
        "db:65536",
        "db:x",
        "[::1]:80",
        "a b:80",
        "-a:80",
        "999.1.1.1:80",
        "1.2:80",
    ):
        with pytest.raises(ValueError, match="is no HOST:PORT"):
            parse_reach(text)
