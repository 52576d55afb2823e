"""Sends recorded events with nothing but the standard library: to {url} with {key}, or where the variables lead."""

import contextlib
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

file, url, key = (*sys.argv[1:], "", "")[:3]
url, key = url or os.environ["DD_SITE"], key or os.environ["DD_API_KEY"]
for line in Path(file).read_bytes().splitlines():
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/lineage", line, headers)  # noqa: S310 - our own
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30).read()  # noqa: S310
