"""What only the Agent and the forward proxy have to say (HT304, HT305): shown over a socket."""

from __future__ import annotations

from mock_intake.datadog.agent import AgentSettings
from tests.rules.examples_requests import KEY

# How the Agent is set up.
AGENT_OFF: tuple[AgentSettings, AgentSettings] = (AgentSettings(api_key=KEY, enabled=False), AgentSettings(api_key=KEY))

# What a client asks of its proxy.
PROXY_REFUSED: tuple[bytes, bytes] = (
    b"CONNECT api.datadoghq.com:443 HTTP/1.1\r\n\r\n",
    b"CONNECT data-obs-intake.datadoghq.com:443 HTTP/1.1\r\n\r\n",
)

EXAMPLES = {"HT304": AGENT_OFF, "HT305": PROXY_REFUSED}
