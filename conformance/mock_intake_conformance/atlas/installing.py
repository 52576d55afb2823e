"""Installs a producer into a directory of its own, by the client of its language's registry; pinned versions only."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

_LIMIT = 1500
_COPIED = ("dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime")
_READY = ".ready"
# Registries' and other hosts are no fact about a producer.
_HOST = re.compile(r"\bhttps?://[^/\s)'\"]+")


class InstallError(Exception):
    """What cannot be had here, with the error that was seen."""


class Install(Protocol):
    """How something is installed: what it asks for, where its programs are, and what versions came."""

    @property
    def wanted(self) -> Sequence[str]:
        """The pins, as a reader would write them."""

    def make(self, directory: Path, files: Mapping[str, str]) -> None:
        """Installs into a directory. Raises ``InstallError``."""

    def programs(self, directory: Path) -> Path:
        """Where its programs are."""

    def versions(self, directory: Path) -> dict[str, str]:
        """What is installed of what was asked for."""

    def by_hand(self, files: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:
        """The same as somebody does it in an empty directory: files to write, beside the pipeline's, and commands."""


def installed(install: Install, directory: Path, files: Mapping[str, str]) -> None:
    """Has it installed, unless just that is there. Raises ``InstallError``."""
    mark = directory / _READY
    pins = json.dumps([*install.wanted, files if not isinstance(install, Venv | Nothing | Npm) else {}])
    if mark.exists() and mark.read_text(encoding="utf-8") == pins:
        return
    directory.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    install.make(directory, files)
    mark.write_text(pins, encoding="utf-8")


@dataclass(frozen=True)
class Nothing:
    """A producer whose programs the machine has: named, with the argument that has each say its version."""

    tools: Mapping[str, str]

    @property
    def wanted(self) -> Sequence[str]:
        return tuple(self.tools)

    def make(self, directory: Path, files: Mapping[str, str]) -> None:  # noqa: ARG002 - as Install has it
        for tool, argument in self.tools.items():
            _run([tool, argument], directory)

    def programs(self, directory: Path) -> Path:
        return directory

    def versions(self, directory: Path) -> dict[str, str]:
        said = {tool: _run([tool, argument], directory) for tool, argument in self.tools.items()}
        found = {tool: re.search(r"\d+(\.\d+)+", text) for tool, text in said.items()}
        return {tool: match[0] for tool, match in found.items() if match}

    def by_hand(self, files: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:  # noqa: ARG002
        return {}, ()


@dataclass(frozen=True)
class Venv:
    """Python packages in a virtual environment; ``more`` are packages whose versions matter beside those asked for.

    Old packages that are built here need older tools: ``build`` are installed before, and used for all.
    """

    packages: Sequence[str]
    more: Sequence[str] = ("openlineage-python",)
    build: Sequence[str] = ()

    @property
    def wanted(self) -> Sequence[str]:
        return tuple(self.packages)

    def make(self, directory: Path, files: Mapping[str, str]) -> None:  # noqa: ARG002 - as Install has it
        venv = directory / "venv"
        if not venv.exists():
            _run([sys.executable, "-m", "venv", str(venv)], directory)
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        if self.build:
            _run([*pip, *self.build], directory)
        _run([*pip, *(["--no-build-isolation"] if self.build else []), *self.packages], directory)

    def programs(self, directory: Path) -> Path:
        return directory / "venv/bin"

    def versions(self, directory: Path) -> dict[str, str]:
        pip = [str(directory / "venv/bin/python"), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
        listed = json.loads(_run(pip, directory))
        there = {_normal(one["name"]): one["version"] for one in listed}
        names = [_normal(re.split(r"[=<>\[ ]", package)[0]) for package in (*self.packages, *self.more)]
        return {name: there[name] for name in dict.fromkeys(names) if name in there}

    def by_hand(self, files: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:  # noqa: ARG002
        build = [f"pip install {shlex.join(self.build)}"] if self.build else []
        own = f"pip install {'--no-build-isolation ' if self.build else ''}{shlex.join(self.packages)}"
        return {}, ("python3 -m venv venv", ". venv/bin/activate", *build, own)


@dataclass(frozen=True)
class Maven:
    """Java artefacts, ``group:artefact:version``, into ``lib``; Java files of the pipeline go to ``classes``."""

    artifacts: Sequence[str]

    @property
    def wanted(self) -> Sequence[str]:
        return tuple(self.artifacts)

    def make(self, directory: Path, files: Mapping[str, str]) -> None:
        (directory / "pom.xml").write_text(_pom(self.artifacts), encoding="utf-8")
        # What could not be had another day is asked for again.
        _run(["mvn", "-q", "-B", "-U", *_COPIED], directory)
        sources = [name for name in files if name.endswith(".java")]
        for name in sources:
            (directory / name).write_text(files[name], encoding="utf-8")
        if sources:
            _run(["javac", "-cp", "lib/*", "-d", "classes", *sources], directory)

    def programs(self, directory: Path) -> Path:
        return directory

    def versions(self, directory: Path) -> dict[str, str]:
        java = re.search(r"\d+[\d.]*", _run(["java", "--version"], directory))
        pins = {artifact.split(":")[1]: artifact.split(":")[2] for artifact in self.artifacts}
        return {**pins, **({"java": java[0]} if java else {})}

    def by_hand(self, files: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:
        sources = [name for name in files if name.endswith(".java")]
        compiled = [f"javac -cp 'lib/*' -d classes {shlex.join(sources)}"] if sources else []
        return {"pom.xml": _pom(self.artifacts)}, (shlex.join(["mvn", "-q", "-B", *_COPIED]), *compiled)


@dataclass(frozen=True)
class Cargo:
    """Rust crates, as lines of ``[dependencies]``; the pipeline is ``main.rs``, built to a program named ``job``."""

    crates: Sequence[str]

    @property
    def wanted(self) -> Sequence[str]:
        return tuple(self.crates)

    def make(self, directory: Path, files: Mapping[str, str]) -> None:
        (directory / "src").mkdir(exist_ok=True)
        (directory / "Cargo.toml").write_text(self._manifest(), encoding="utf-8")
        (directory / "src/main.rs").write_text(files["main.rs"], encoding="utf-8")
        _run(["cargo", "build", "--quiet"], directory)

    def programs(self, directory: Path) -> Path:
        return directory / "target/debug"

    def versions(self, directory: Path) -> dict[str, str]:
        lock = (directory / "Cargo.lock").read_text(encoding="utf-8")
        locked = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
        names = [crate.split(" ")[0] for crate in self.crates]
        rust = _run(["rustc", "--version"], directory).split()[1]
        return {**{name: locked[name] for name in names if name in locked}, "rustc": rust}

    def by_hand(self, files: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:  # noqa: ARG002
        commands = ("mkdir -p src", "mv main.rs src/", "cargo build --quiet", "export PATH=$PWD/target/debug:$PATH")
        return {"Cargo.toml": self._manifest()}, commands

    def _manifest(self) -> str:
        lines = ["[package]", 'name = "job"', 'version = "1.0.0"', 'edition = "2021"', "", "[dependencies]"]
        return "\n".join([*lines, *self.crates, ""])


@dataclass(frozen=True)
class Go:
    """Go modules, ``module@version``; the pipeline is ``main.go``, built to a program named ``job``."""

    modules: Sequence[str]

    @property
    def wanted(self) -> Sequence[str]:
        return tuple(self.modules)

    def make(self, directory: Path, files: Mapping[str, str]) -> None:
        (directory / "go.mod").write_text("module job\n\ngo 1.24\n", encoding="utf-8")
        (directory / "main.go").write_text(files["main.go"], encoding="utf-8")
        for module in self.modules:
            _run(["go", "get", module], directory)
        _run(["go", "build", "-mod=mod", "-o", "job", "."], directory)

    def programs(self, directory: Path) -> Path:
        return directory

    def versions(self, directory: Path) -> dict[str, str]:
        pins = dict(module.rsplit("@", 1) for module in self.modules)
        return {**pins, "go": _run(["go", "env", "GOVERSION"], directory).strip().removeprefix("go")}

    def by_hand(self, files: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:  # noqa: ARG002
        got = [f"go get {module}" for module in self.modules]
        return {}, ("go mod init job", *got, "go build -o job .", "export PATH=$PWD:$PATH")


@dataclass(frozen=True)
class Npm:
    """Packages for Node, ``name@version``."""

    packages: Sequence[str] = field(default_factory=tuple)

    @property
    def wanted(self) -> Sequence[str]:
        return tuple(self.packages)

    def make(self, directory: Path, files: Mapping[str, str]) -> None:  # noqa: ARG002 - as Install has it
        if self.packages:
            quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
            _run(["npm", "install", *quiet, *self.packages], directory)

    def programs(self, directory: Path) -> Path:
        return directory / "node_modules/.bin"

    def versions(self, directory: Path) -> dict[str, str]:
        pins = dict(package.rsplit("@", 1) for package in self.packages)
        return {**pins, "node": _run(["node", "--version"], directory).strip().removeprefix("v")}

    def by_hand(self, files: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:  # noqa: ARG002
        return {}, ([f"npm install {shlex.join(self.packages)}"] if self.packages else [])


def without_hosts(text: str) -> str:
    """A text without the hosts of the addresses in it."""
    return _HOST.sub("https://HOST", text)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(command: Sequence[str], directory: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the clients of registries, by name
            command, cwd=directory, capture_output=True, text=True, timeout=_LIMIT, check=False, env=dict(os.environ)
        )
    except FileNotFoundError as error:
        raise InstallError(f"{command[0]} is not installed here") from error
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"{Path(command[0]).name} had not ended after {_LIMIT} s") from error
    if done.returncode:
        raise InstallError(_reason(f"{done.stderr}\n{done.stdout}", Path(command[0]).name, done.returncode))
    return done.stdout


def _reason(said: str, program: str, code: int) -> str:
    """The line of an error that tells most, as far as one can tell: the first that says error, else the last."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip() for line in said.splitlines()]
    causes = [line for line in lines if re.search(r"error|could not|not found|403|404", line, re.IGNORECASE)]
    line = (causes or [line for line in lines if line] or [""])[0]
    return f"{program} ended with {code}: {without_hosts(line)[:300]}"


def _pom(artifacts: Sequence[str]) -> str:
    needed = ""
    for artifact in artifacts:
        group, name, version = artifact.split(":")
        needed += (
            f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
            f"<version>{version}</version></dependency>"
        )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>atlas</groupId><artifactId>job</artifactId><version>1</version>"
        f"<dependencies>{needed}</dependencies></project>\n"
    )
