"""A body that breaks off is never taken for a whole: half of an export looks like one, line by line."""

from __future__ import annotations

import json
import re
import socket
import threading
import time

import pytest

from mock_intake import IntakeServer
from tests.control.content import PREFIX
from tests.control.test_transfer import FIELDS

LINE = json.dumps({**FIELDS, "id": "0" * 12, "event_id": "e0"}).encode() + b"\n"


def _begun(server: IntakeServer, *headers: bytes) -> socket.socket:
    """A connection on which an import has begun."""
    connection = socket.create_connection(server.address, timeout=30)
    head = (b"POST " + PREFIX.encode() + b"/import HTTP/1.1", b"Host: localhost", b"Connection: close", *headers)
    connection.sendall(b"\r\n".join(head) + b"\r\n\r\n")
    return connection


def _answer(connection: socket.socket) -> tuple[int, bytes, str]:
    """Status, head and error of what is answered."""
    with connection, connection.makefile("rb") as stream:
        head, _, body = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), head.lower(), json.loads(body)["error"]


def test_an_import_whose_chunks_break_off_imports_nothing() -> None:
    with IntakeServer() as server:
        connection = _begun(server, b"Transfer-Encoding: chunked")
        connection.sendall(b"%x\r\n%b\r\nno size\r\n" % (len(LINE), LINE))
        status, _, error = _answer(connection)
        assert (status, server.journal.position) == (400, 0)
        assert error == "The body breaks off: its chunks are not as HTTP has them; nothing was done."


@pytest.mark.parametrize("sent", [LINE, LINE + LINE[:20]], ids=["at the end of a line", "within a line"])
def test_an_import_that_the_end_of_the_server_cuts_is_to_be_sent_again(sent: bytes) -> None:
    with IntakeServer() as server:
        connection = _begun(server, b"Content-Length: %d" % (3 * len(LINE)))
        connection.sendall(sent)
        while server._control is None or not server._control.importing.locked():
            time.sleep(0.01)
        end = threading.Thread(target=server.stop)
        end.start()
        status, head, error = _answer(connection)
        end.join()
        assert (status, server.journal.position) == (503, 0)
        assert re.search(rb"\nretry-after: \d", head)
        assert error == "The server is ending, and has not read all of the body; nothing was done."
