"""A producer whose transport is set to the real site in its code, by several ways to connect."""

import asyncio
import http.client
import socket
import sys
import urllib.request

HOST = "data-obs-intake.datadoghq.com"


def tried(how: str) -> str:
    """What became of a connection to the real intake."""
    try:
        if how == "urllib":
            urllib.request.urlopen(f"https://{HOST}/api/v1/lineage", b"{}", timeout=5)
        elif how == "http.client":
            http.client.HTTPSConnection(HOST, timeout=5).request("POST", "/api/v1/lineage", b"{}")
        elif how == "asyncio":
            asyncio.run(asyncio.open_connection(HOST, 443))
        elif how == "socket":
            socket.create_connection((f"{HOST}.", 443), timeout=5)
        elif how == "httpx":
            import httpx

            httpx.post(f"https://{HOST}/api/v1/lineage", json={}, timeout=5)
        elif how == "requests":
            import requests

            requests.post(f"https://{HOST}/api/v1/lineage", json={}, timeout=5)
        elif how == "gethostbyname":
            socket.gethostbyname(HOST)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "got through"


if __name__ == "__main__":
    for each in sys.argv[1:]:
        sys.stdout.write(f"{each} {tried(each)}\n")
