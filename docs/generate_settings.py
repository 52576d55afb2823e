"""Makes the page on producers' settings from the table of them."""

from __future__ import annotations

from mock_intake.producers.paths import PATHS
from mock_intake.producers.settings import KEYS, VARIABLES, Role, Setting

_INTRODUCTION = """\
# Settings of producers

This page is generated from the code: `make docs`.

What `run`, `certify` and the plugin's `intake_env` do to the settings in a producer's surroundings, so that
what is judged is what goes live, and goes nowhere else:

* what **leads** is replaced by what leads here, or taken out where nothing replaces it;
* what **switches off** is taken out, and that is said;
* what **makes content** is kept.

The first row that fits a variable counts; `*` stands for anything, `(A|B)` for one of several. What was replaced, taken
out or kept is printed by `run -v`, by `certify` and in pytest's header, and stands in the reports of `certify` and of
the plugin. With `intake_environment = clean` in pytest's ini file all of it is taken out, for tests that must not
depend on a developer's shell. `mock-intake run -v --allow-none -- true` shows what would become of yours.
"""
_FILES = """\
Of `openlineage.yml` (the file that `OPENLINEAGE_CONFIG` names, that of the working directory, that of `~/.openlineage`;
the first that there is) the client is given a copy without its transport, or on the paths `http` and `agent` with ours:
the Java client reads no variable where there is a file. Of Airflow's configuration (a connection that stands in a
variable, a file, `airflow.cfg`) likewise; a connection that Airflow keeps elsewhere leads no more either, but is not
read: what else it sets is missing, which is said, with what to do. A `transform` transport keeps its transformers
around ours. Of a `composite` the transport that leads to Datadog is replaced, and the others are left out, which is
said. The path `custom` replaces no file.
"""


def settings_page() -> str:
    """The whole page."""
    lines = [_INTRODUCTION, "## Variables", "", "| Variable | Read by | What it does | |", "|---|---|---|---|"]
    lines += [_row(setting) for setting in VARIABLES]
    lines += ["", "## Files", "", _FILES, "| File | Key | Read by | What it does | |", "|---|---|---|---|---|"]
    lines += [f"| {setting.file} {_row(setting)}" for setting in KEYS]
    lines += ["", "## Paths", "", "| Path | What it leads |", "|---|---|"]
    lines += [f"| `{name}` | {words} |" for name, words in PATHS.items()]
    return "\n".join(lines) + "\n"


def _row(setting: Setting) -> str:
    name = setting.name.replace("|", "\\|")
    done = {Role.LEADS: "replaced", Role.SWITCHES_OFF: "taken out", Role.MAKES_CONTENT: "kept"}[setting.role]
    done = done if setting.replaced else "out of reach: see `mock-intake doctor`"
    return f"| `{name}` | {', '.join(setting.readers)} | {setting.role}: {setting.does} | {done} |"
