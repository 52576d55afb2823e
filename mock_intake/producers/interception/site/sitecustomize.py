"""Python runs this at start, being put first on PYTHONPATH by ``mock-intake run`` and its like.

Installs the guard and the redirect that the environment asks for, then runs the ``sitecustomize`` that would have run
without it. Works in every Python from 3.7 on.
"""

import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
# Tools that come in by a sitecustomize too may run this one again; what has been done is kept here.
DONE = sys.modules.setdefault("_mock_intake_site", ModuleType("_mock_intake_site")).__dict__


def _load(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _guard() -> None:
    if os.environ.get("MOCK_INTAKE_GUARD") and "guard" not in DONE:
        DONE["guard"] = _load("_mock_intake_guard", HERE.parent.parent / "guard.py")
        DONE["guard"].install_from(os.environ)


def _redirect() -> None:
    address = os.environ.get("MOCK_INTAKE_REDIRECT")
    if not address or "redirect" in DONE:
        return
    host, _, port = address.rpartition(":")
    try:
        ca_pem = Path(os.environ["MOCK_INTAKE_REDIRECT_CA"]).read_text(encoding="ascii")
    except OSError:
        # The intake has ended before this process began. What it sends must not go to the real one instead.
        ca_pem = ""
    hosts = os.environ["MOCK_INTAKE_REDIRECT_HOSTS"].split(",")
    redirect = DONE["redirect"] = _load("_mock_intake_redirect", HERE.parent / "redirect.py")
    redirect.Redirect(hosts, (host, int(port)), ca_pem).install()


def _chain() -> None:
    # What stands before this directory has had its turn.
    places = [Path(entry or ".").resolve() for entry in sys.path]
    behind = sys.path[places.index(HERE) + 1 :] if HERE in places else sys.path
    for entry in behind:
        spec = importlib.machinery.PathFinder.find_spec("sitecustomize", [entry])
        if spec is None or spec.loader is None or Path(entry or ".").resolve() == HERE:
            continue
        if spec.origin not in DONE.setdefault("chained", set()):
            DONE["chained"].add(spec.origin)
            module = importlib.util.module_from_spec(spec)
            sys.modules["sitecustomize"] = module
            spec.loader.exec_module(module)
            return


try:
    _guard()
    _redirect()
finally:
    _chain()
