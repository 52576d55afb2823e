"""Secrets that nobody ever had, put together at run time so that no scanner takes this file for a leak."""

from __future__ import annotations

import random
import string
from typing import NamedTuple

_LETTERS = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


class MadeUp(NamedTuple):
    """A secret as it stands in a text: its family and name there, the text, and the part to keep secret."""

    family: str
    what: str
    text: str
    hidden: str

    def leaks_into(self, text: str | None) -> bool:
        """Whether a text holds so much of the secret that one could take it up from there."""
        size = min(8, len(self.hidden))
        parts = (self.hidden[start : start + size] for start in range(len(self.hidden) - size + 1))
        return text is not None and any(part in text for part in parts)


def made_up_secrets() -> list[MadeUp]:
    """One secret of each kind and form; the same ones on every run."""
    chance = random.Random(17)

    def some(count: int, alphabet: str = _LETTERS) -> str:
        return "".join(chance.choices(alphabet, k=count))

    secrets = []

    def add(family: str, what: str, before: str, hidden: str, after: str = "") -> None:
        secrets.append(MadeUp(family, what, before + hidden + after, hidden))

    for kind in ("RSA ", "EC ", "OPENSSH ", ""):
        dashes = "-" * 5
        add("key", "a private key", f"{dashes}BEGIN {kind}PRIVATE" + f" KEY{dashes}\n", some(64), f"\n{dashes}END")
    capitals = string.ascii_uppercase + string.digits
    for letters in ("AK", "AS"):
        add("cloud", "an AWS access key id", "", letters + "IA" + some(16, capitals))
    add("cloud", "a Google API key", "", "AI" + "za" + some(35))
    account = "DefaultEndpointsProtocol=https;AccountName=acme;Account"
    add("cloud", "an Azure storage key", account + "Key=", some(86), "==;EndpointSuffix=core.windows.net")
    add("cloud", "an Azure storage key", "Endpoint=sb://acme.example/;SharedAccess" + "Key=", some(43), "=")
    add("cloud", "an Azure SAS signature", "https://acme.example/data?sv=2024&si" + "g=", some(43), "%3D&se=2026")
    add("cloud", "an AWS signature", "https://acme.example/data?X-Amz-Sig" + "nature=", some(64, _HEX))
    for letter in "pousr":
        add("token", "a GitHub token", "", f"gh{letter}" + "_" + some(36))
    add("token", "a GitHub token", "", "github_" + "pat_" + some(60))
    add("token", "a GitLab token", "", "glp" + "at-" + some(20))
    for letter in "bp":
        add("token", "a Slack token", "", f"xox{letter}" + "-" + some(12, "0123456789") + "-" + some(24))
    for letter in "rs":
        add("token", "a Stripe key", "", f"{letter}k_" + "live_" + some(24))
    add("token", "a Databricks token", "", "da" + "pi" + some(32, _HEX))
    add("token", "a Hugging Face token", "", "h" + "f_" + some(34))
    add("token", "a JSON Web Token", "", f"ey{'J'}{some(30)}.ey{'J'}{some(40)}.{some(43)}")
    for word in ("Bear", "bear"):
        add("token", "a bearer token", f"Authorization: {word}" + "er ", some(40))
    for scheme, user in (("postgres", "etl"), ("https", "etl%40acme"), ("jdbc:mysql", "root"), ("redis", "")):
        add("password", "a password in a URI", f"{scheme}://{user}:", some(14), "@db.acme.example:5432/shop")
    for name in ("password", "PASSWORD", "pwd", "passwd", "secret", "access_token", "api_key", "apikey", "Api-Key"):
        add("password", "a password in a connection string", f"Server=db;User=etl;{name}" + "=", some(14), ";Port=1")
    return secrets
