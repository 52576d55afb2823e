"""A program: runs a documented program once for each site, unchanged, and notes every address that is used.

    python watched.py (plain|proxy|intercept) REPORT PROGRAM SITE...

``proxy`` sets what a user sets to be led to an intake by its forward proxy; ``intercept`` runs the program within
``mock_intake.intercept()``; ``plain`` leaves all that to whoever starts this. The report is JSON: ``names`` that were
looked up, ``addresses`` that were connected to, and ``arrived``: host and status of every exchange of the intake.
The names and addresses are those that Python's interpreter itself tells, beneath everything that is replaced.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY = "0123456789abcdef0123456789abcdef"
_names: set[str] = set()
_addresses: set[str] = set()


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        name = arguments[0]
        _names.add(name.decode() if isinstance(name, bytes) else str(name))
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
        _addresses.add(str(arguments[1][0]))


@contextmanager
def _set_up(mode: str, directory: Path) -> Iterator[Any]:
    if mode == "plain":
        os.environ["MOCK_INTAKE_KEY"] = os.environ["DD_API_KEY"]
        yield None
        return
    from mock_intake import IntakeServer, intercept
    from mock_intake.server.http.tls import Certificates

    os.environ["MOCK_INTAKE_KEY"] = KEY
    if mode == "intercept":
        with intercept() as server:
            yield server
        return
    with IntakeServer(tls=Certificates(), proxy_port=0) as server:
        assert server.certificates is not None
        os.environ["HTTPS_PROXY"] = server.proxy_url
        os.environ["REQUESTS_CA_BUNDLE"] = str(server.certificates.write_ca(directory / "ca.pem"))
        yield server


def main() -> None:
    mode, report, program, *sites = sys.argv[1:]
    sys.addaudithook(_watch)
    arrived = []
    with _set_up(mode, Path(report).parent) as server:
        for site in sites:
            os.environ["MOCK_INTAKE_URL"] = site
            runpy.run_path(program, run_name="__main__")
        if server is not None:
            for _, exchange in server.journal.read(0, 100):
                arrived.append([dict(exchange.request.headers)["host"], exchange.response.status_code])
    found = {"names": sorted(_names), "addresses": sorted(_addresses), "arrived": arrived}
    Path(report).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
