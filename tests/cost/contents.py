"""Events in which there is much of what secrets are made of."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.cost.measuring import Dimension, Work
from tests.cost.requests import BODY, SMALL_BODY, event, filled, received, some
from tests.events import RUN_ID, base
from tests.openlineage.made_up_secrets import made_up_secrets

# Beginnings of secrets, each of which an engine may go on from; and what makes placeholders of them.
_BEGINNINGS = (
    *("a", "A", "1", "a:", "://", "a://", "a://u:", "a://u:p ", "http://a/", "+a", "=", "a=", "eyJ", "eyJaaaaaaaaaaaa"),
    *("eyJaaaaaaaaaaaa.", "eyJaaaaaaaaaaaa.eyJaaaaaaaaaaaa", "eyJaaaaaaaaaaaa.eyJaaaaaaaaaaaa.a "),
    *("password=", "pwd=ab;", "secret=abc;", "api-key=", "access_token=${", "pwd=<", "pwd={{", "pwd=*", "pwd=%a"),
    *("a://u:${", "a://u:<", "a://u:****@", "a://u:xxxx@", "a://u:pppp@"),
    *("-----BEGIN ", "-----BEGIN RSA PRIVATE KEY", "-----BEGIN A A A A A A A A A A "),
    *("AKIA", "ASIAAAAAAAAAAAA", "AIza", "AccountKey=", "SharedAccessKey=aaaa", "?sig=", "&sig=%", "X-Amz-Signature="),
    *("ghp_", "github_pat_", "glpat-", "xoxb-", "rk_live_", "dapi", "dapi0123456789abcdef", "hf_"),
    *("bearer ", "Bearer a"),
)  # fmt: skip


def _secret(chance: Random) -> str:
    return f"postgres://etl:{some(14, chance)}@db.acme.example:5432/shop"


def _of(unit: str) -> Callable[[int, Random], Work]:
    """An event whose note is made of nothing but a unit, and a secret, so that it is looked at closely."""
    return lambda size, chance: received(event(f"{filled(unit, size)} {_secret(chance)}"), chance=chance)


def _unreadable(unit: str) -> Callable[[int, Random], Work]:
    """A body that is no JSON: an excerpt of it is shown."""
    return lambda size, chance: received(f"{filled(unit, size)} {_secret(chance)} ", chance=chance)


def _strings(size: int, chance: Random) -> Work:
    return received(event(strings=[_secret(chance) for _ in range(size // 64)]), chance=chance)


def _keys(size: int, chance: Random) -> Work:
    return received(event(keys={_secret(chance): number for number in range(size // 64)}), chance=chance)


def _depth_and_width(size: int, chance: Random) -> Work:
    deep: object = [_secret(chance) for _ in range(size // 64)]
    for _ in range(150):
        deep = {"a": deep}
    return received(event(deep=deep), chance=chance)


def _one_of_each_kind(size: int, chance: Random) -> Work:
    texts = [secret.text for secret in made_up_secrets()]
    return received(event(" ".join(texts) + some(size, chance)), chance=chance)


# Environment variables.


def _variables(variables: list[object], chance: Random) -> Work:
    facet = {**base("EnvironmentVariablesRunFacet", "1-0-0"), "environmentVariables": variables}
    run = {"runId": RUN_ID, "facets": {"environmentVariables": facet}}
    return received(event(run=run), chance=chance)


def _secret_variables(size: int, chance: Random) -> Work:
    number = size // 64
    return _variables([{"name": f"DB_PASSWORD_{some(8, chance)}", "value": "x"} for _ in range(number)], chance)


def _flawed_variables(size: int, chance: Random) -> Work:
    number = size // 64
    return _variables([{"name": f"DB_PASSWORD_{some(8, chance)}", "value": 1} for _ in range(number)], chance)


def _long_variable(size: int, chance: Random) -> Work:
    return _variables([{"name": f"DB_PASSWORD_{some(size, chance)}", "value": 1}], chance)


DIMENSIONS = (
    *(Dimension(f"content: {unit!r}", _of(unit), BODY, SMALL_BODY) for unit in _BEGINNINGS),
    *(
        Dimension(f"content: {unit!r} that is no JSON", _unreadable(unit), BODY, SMALL_BODY)
        for unit in _BEGINNINGS[::6]
    ),
    Dimension("content: the strings with a secret", _strings, BODY, SMALL_BODY),
    Dimension("content: the keys with a secret", _keys, BODY, SMALL_BODY),
    Dimension("content: the secrets far below", _depth_and_width, BODY, SMALL_BODY),
    Dimension("content: what is beside secrets of every kind", _one_of_each_kind, BODY, SMALL_BODY),
    Dimension("content: the environment variables with secrets", _secret_variables, BODY, SMALL_BODY),
    Dimension("content: the environment variables with secrets and flaws", _flawed_variables, BODY, SMALL_BODY),
    Dimension("content: the name of an environment variable", _long_variable, BODY, SMALL_BODY),
)
