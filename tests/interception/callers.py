"""Clients of every kind that fetch the intake's health, all by the real name of one."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import urllib.request
from collections.abc import Callable

import httpx
import requests

from tests.interception.wire import HOST

URL = f"https://{HOST}/healthz"
HEALTHY = b'{"status":"ok"}'
REQUEST = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


def by_urllib() -> bytes:
    # An opener of its own: the shared one keeps the proxies that were set when it was first used.
    with urllib.request.build_opener().open(URL, timeout=5) as answer:
        return answer.read()  # type: ignore[no-any-return]


def by_http_client() -> bytes:
    connection = http.client.HTTPSConnection(HOST, timeout=5)
    connection.request("GET", "/healthz")
    body = connection.getresponse().read()
    connection.close()
    return body


def by_requests() -> bytes:
    return requests.get(URL, timeout=5).content


def by_httpx() -> bytes:
    return httpx.get(URL).content


def by_async_httpx() -> bytes:
    async def get() -> bytes:
        async with httpx.AsyncClient() as client:
            return (await client.get(URL)).content

    return asyncio.run(get())


def by_asyncio_streams() -> bytes:
    async def get() -> bytes:
        reader, writer = await asyncio.open_connection(HOST, 443, ssl=True)
        writer.write(REQUEST)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    return asyncio.run(get()).partition(b"\r\n\r\n")[2]


def talk(secured: ssl.SSLSocket) -> bytes:
    with secured:
        secured.sendall(REQUEST)
        received = b""
        while more := secured.recv(65_536):
            received += more
    return received.partition(b"\r\n\r\n")[2]


def by_arguments_in_order() -> bytes:
    plain = socket.create_connection((HOST, 443), timeout=5)
    return talk(ssl.create_default_context().wrap_socket(plain, False, True, True, HOST))


def by_a_name_given_to_connect() -> bytes:
    plain = socket.socket()
    plain.settimeout(5)
    plain.connect((HOST, 443))
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_connect_ex() -> bytes:
    plain = socket.socket()
    assert plain.connect_ex((HOST.upper() + ".", 443)) == 0
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_an_address_looked_up() -> bytes:
    plain = socket.create_connection((socket.gethostbyname(HOST), 443), timeout=5)
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_an_address_looked_up_with_all_its_names() -> bytes:
    plain = socket.create_connection((socket.gethostbyname_ex(HOST)[2][0], 443), timeout=5)
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_a_socket_that_was_wrapped_first() -> bytes:
    with ssl.create_default_context().wrap_socket(socket.socket(), server_hostname=HOST) as secured:
        secured.settimeout(5)
        secured.connect((HOST, 443))
        return talk(secured)


CLIENTS: tuple[Callable[[], bytes], ...] = (
    by_urllib,
    by_http_client,
    by_requests,
    by_httpx,
    by_async_httpx,
    by_asyncio_streams,
    by_arguments_in_order,
    by_a_name_given_to_connect,
    by_connect_ex,
    by_an_address_looked_up,
    by_an_address_looked_up_with_all_its_names,
    by_a_socket_that_was_wrapped_first,
)
