"""Why nothing may have come from a producer: what was found in its surroundings first, what is known of paths after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mock_intake.producers.environment import Change, What
from mock_intake.producers.guard import Attempt
from mock_intake.producers.paths import PathName
from mock_intake.producers.settings import CONFIG, Role, setting_of

_OF_A_PATH: dict[PathName, tuple[str, ...]] = {
    "proxy": ("its client ignores HTTPS_PROXY, as the Datadog transport does for dbt jobs: use --path intercept",),
    "intercept": (
        "it is no Python program, or uses uvloop, or another TLS library than Python's own: use --isolate too",
    ),
    "custom": ("it reads neither MOCK_INTAKE_URL and MOCK_INTAKE_KEY, nor got {url} and {key} among its arguments",),
}
_SILENCE = (
    "the command emits none, or ended before it did",
    "its transport, or a real site's address, is set in its code, which wins over the environment",
    "it exits without closing its client, which may send from a thread",
    "its client was made before a fork, and lives in another process than the one that emits",
)


def of_silence(
    path: PathName, command: Sequence[str], changes: Sequence[Change], reached: Iterable[Attempt] = ()
) -> list[str]:
    """What may have kept a producer from sending anything, what is sure to matter first.

    ``reached`` is what it tried of Datadog's own hosts.
    """
    return [*of_real_sites(reached), *_found(command, changes), *of_path(path), *_SILENCE]


def of_real_sites(reached: Iterable[Attempt]) -> list[str]:
    """What was stopped on its way to a real site, a line for each host."""
    hosts = dict.fromkeys(attempt.host for attempt in reached if attempt.stopped)
    return [
        f"it went to {host} instead, and was stopped (HT306): a setting in its code, or a client that was made "
        "elsewhere, leads it there; to keep the site and be led here all the same, use --path intercept"
        for host in hosts
    ]


def of_path(path: PathName) -> tuple[str, ...]:
    """What is known to pass a path by."""
    return _OF_A_PATH.get(path, ())


def own_settings(command: Sequence[str]) -> list[str]:
    """The settings that lead which a command sets by itself (``env NAME=VALUE CMD``): they win over what is given."""
    named = [word.partition("=")[0] for word in command if "=" in word]
    found = {name: setting_of(name) for name in named if name.isidentifier()}
    return [name for name, setting in found.items() if setting and setting.role is not Role.MAKES_CONTENT]


def _found(command: Sequence[str], changes: Sequence[Change]) -> Iterator[str]:
    for name in own_settings(command):
        yield f"the command sets {name} itself, which wins" + (
            ": a transport in that file leads it elsewhere" if name == CONFIG else ""
        )
    for change in changes:
        if change.what is What.LEFT:
            yield str(change)
    gone = [change.name for change in changes if change.what is What.TAKEN_OUT and not change.matters]
    if gone:
        yield f"it needs what was taken out of its environment: {', '.join(gone)}"
    matter = [str(change) for change in changes if change.what is What.TAKEN_OUT and change.matters]
    yield from (f"taken out: {change}" for change in matter)
