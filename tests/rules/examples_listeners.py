"""What is told before a request is judged (HT107, HT304, HT305): shown over a socket."""

from __future__ import annotations

from mock_intake.datadog.agent import AgentSettings
from tests.rules.examples_requests import BODY, KEY

# How the Agent is set up.
AGENT_OFF: tuple[AgentSettings, AgentSettings] = (AgentSettings(api_key=KEY, enabled=False), AgentSettings(api_key=KEY))

# What a client asks of its proxy.
PROXY_REFUSED: tuple[bytes, bytes] = (
    b"CONNECT api.datadoghq.com:443 HTTP/1.1\r\n\r\n",
    b"CONNECT data-obs-intake.datadoghq.com:443 HTTP/1.1\r\n\r\n",
)

_HEAD = f"POST /api/v1/lineage HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
_REST = f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n".encode() + BODY

# What is sent to the intake.
HEAD_TOO_LARGE: tuple[bytes, bytes] = (
    f"{_HEAD}Baggage: {'b' * 65_536}\r\n".encode() + _REST,
    f"{_HEAD}Baggage: {'b' * 65_000}\r\n".encode() + _REST,
)

EXAMPLES = {"HT107": HEAD_TOO_LARGE, "HT304": AGENT_OFF, "HT305": PROXY_REFUSED}
