"""What is handed out: the names and signatures that users may rely on, and the files of wheel and sdist."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, is_typeddict
from zipfile import ZipFile

from tests.same.commands import environment
from tests.same.internals import PUBLIC_PACKAGES
from tests.same.texts import pretty

REPOSITORY = Path(__file__).parents[3]
# What a folder of the sdist has in it that is no part of the product: of these only that they are there.
_ONLY_NAMED = ("bench", "docs", "tests")
_TIME_LIMIT = 300.0


def record(folder: Path) -> Iterator[tuple[str, str]]:
    for package in PUBLIC_PACKAGES:
        module = import_module(package)
        names = sorted(module.__all__)
        yield f"api/{package}.txt", "".join(line for name in names for line in _said_of(name, getattr(module, name)))
    built = _built(folder / "dist")
    wheel = set(_in_wheel(built))
    yield "wheel.txt", _listed(wheel)
    yield "sdist.txt", _listed(_beside(wheel, set(_in_sdist(built))))
    yield "entry-points.json", pretty(_entry_points(built))


def _said_of(name: str, value: Any) -> Iterator[str]:
    """A name of the API, a line each for what it has: signatures of functions, of classes and of their methods."""
    if inspect.isclass(value):
        yield from _said_of_class(name, value)
    elif isinstance(value, staticmethod | classmethod):
        yield f"{type(value).__name__} {name}{_signature(value.__func__)}\n"
    elif isinstance(value, property):
        yield f"property {name}\n"
    elif isinstance(value, Enum):
        yield f"{name} = {value.value!r}\n"
    elif callable(value):
        yield f"{'async ' if inspect.iscoroutinefunction(value) else ''}def {name}{_signature(value)}\n"
    else:
        # Of slots and fields it is told that they are there, of the version too.
        plain = isinstance(value, str | int | float) and not name.startswith("__")
        yield f"{name} = {value!r}\n" if plain else f"{name}\n"


def _said_of_class(name: str, value: type) -> Iterator[str]:
    """The class and what it has of its own: not what other packages and Python itself give it."""
    # How enumerations and dictionaries are made is Python's own, and differs between its versions.
    made_by = "" if issubclass(value, Enum | dict | BaseException) and not _is_made_by_us(value) else _signature(value)
    yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)}){made_by}\n"
    if is_typeddict(value):
        yield from (f"{name}[{field!r}]\n" for field in sorted(value.__annotations__))
    for attribute, of in sorted(_own(value).items()):
        if not attribute.startswith("_"):
            yield from _said_of(f"{name}.{attribute}", of)


def _is_made_by_us(value: type) -> bool:
    return not issubclass(value, Enum) and bool({"__init__", "__new__"} & _own(value).keys())


def _own(value: type) -> dict[str, Any]:
    """What a class has of its own, or of classes of this distribution above it."""
    packages = {package.partition(".")[0] for package in PUBLIC_PACKAGES}
    ours = [one for one in reversed(value.__mro__) if one.__module__.partition(".")[0] in packages]
    return {attribute: of for one in ours for attribute, of in vars(one).items()}


class _Bare:
    """A type as it is written, without where it is from and whether it was put in quotes."""

    def __init__(self, annotation: Any) -> None:
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        text = re.sub(r"ForwardRef\('([^']*)'\)", r"\1", text)
        self._text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])", "", text)

    def __repr__(self) -> str:
        return self._text


def _signature(value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except ValueError:
        return ""
    empty = signature.empty
    parameters = [
        one if one.annotation is empty else one.replace(annotation=_Bare(one.annotation))
        for one in signature.parameters.values()
    ]
    returned = empty if signature.return_annotation is empty else _Bare(signature.return_annotation)
    bare = signature.replace(parameters=parameters, return_annotation=returned)
    return re.sub(r" at 0x[0-9a-f]+", "", str(bare))


def _built(folder: Path) -> Path:
    """A folder with wheel and sdist, made by the build backend as it is installed here, without any network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--target", "sdist", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, env=environment(), capture_output=True, check=True, timeout=_TIME_LIMIT)
    return folder


def _in_wheel(built: Path) -> list[str]:
    [wheel] = built.glob("*.whl")
    return ZipFile(wheel).namelist()


def _in_sdist(built: Path) -> list[str]:
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as file:
        names = [name.partition("/")[2] for name in file.getnames()]
    return [f"{top}/..." if (top := name.partition("/")[0]) in _ONLY_NAMED else name for name in names]


def _beside(wheel: set[str], sdist: set[str]) -> Iterator[str]:
    """What the sdist has beside the files of the wheel, and what it lacks of those.

    The wheel has a package at its top that lies at the top of the sdist or in a folder there.
    """
    packed = {name: name if name in wheel else name.partition("/")[2] for name in sdist}
    yield from (name for name in sdist if packed[name] not in wheel)
    yield from (f"lacks {name}" for name in wheel - set(packed.values()) if ".dist-info/" not in name)


def _listed(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in sorted(names))


def _entry_points(built: Path) -> dict[str, list[str]]:
    """The names of commands and plugins; where their code is, is no matter."""
    [wheel] = built.glob("*.whl")
    with ZipFile(wheel) as file:
        [name] = [name for name in file.namelist() if name.endswith("entry_points.txt")]
        text = file.read(name).decode()
    groups: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            groups[line.strip("[]")] = named = []
        elif line:
            named.append(line.partition("=")[0].strip())
    return groups
