"""How the code reads, in figures: sizes of files and functions, what docstrings name, comments with the why.

Run: make style, or .venv/bin/python bench/style.py [--unnamed] [FOLDER ...]. Without folders what is shipped is
measured, room by room; with them any other code, such as a library that is a model. ``--unnamed`` lists the docstrings
that name nothing. It counts as follows.

  file, function   lines: median and longest of files, median and 90th percentile of functions
  public           of the public functions with a docstring that take an argument, or raise an error themselves, the
                   share whose docstring names one of them: an argument in backticks, after ``:param`` or before a
                   colon, an error by its class
  all              the same share of all docstrings, whatever they belong to
  comments         lines with a comment, for a hundred lines of code (neither blank, nor comment, nor docstring);
                   directives to tools are none
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

REPOSITORY = Path(__file__).resolve().parent.parent
SHIPPED = ("mock_intake", "pytest_plugin", "conformance")

_ERROR = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Warning|Timeout)\b")
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|pragma|fmt:|ruff|mypy|!|pyright|nosec)")
_RECEIVERS = {"self", "cls"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Figures:
    """What was counted in some files."""

    files: list[int] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    docstrings: int = 0
    naming: int = 0
    public: int = 0
    public_naming: int = 0
    comments: int = 0
    code: int = 0
    unnamed: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        tenths = quantiles(self.functions, n=10)[-1] if len(self.functions) > 1 else 0
        middle = median(self.functions or [0])
        return (
            f"{name:38} {median(self.files):6.0f} {max(self.files):6} {middle:6.0f} {tenths:6.0f}"
            f" {_share(self.public_naming, self.public)} {_share(self.naming, self.docstrings)}"
            f" {100 * self.comments / max(self.code, 1):8.1f} %"
        )


def _share(part: int, whole: int) -> str:
    return f"{part:5} of {whole:5} {100 * part / whole if whole else 0:4.0f} %"


def measured(files: Iterable[Path]) -> Figures:
    """The figures of Python files; raises ``SyntaxError`` where one is none."""
    figures = Figures()
    for file in files:
        text = file.read_text(encoding="utf-8")
        figures.files.append(len(text.splitlines()))
        tree = ast.parse(text)
        _count_lines(figures, text, tree)
        for node, public in _definitions(tree, public=True):
            _count_docstring(figures, f"{file}:{getattr(node, 'lineno', 1)}", node, public=public)
    return figures


def _count_lines(figures: Figures, text: str, tree: ast.Module) -> None:
    prose = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            figures.comments += not _DIRECTIVE.match(token.string)
        elif token.string.strip():
            code.update(range(token.start[0], token.end[0] + 1))
    figures.code += len(code - prose)


def _definitions(node: ast.AST, *, public: bool) -> Iterator[tuple[ast.AST, bool]]:
    """All that can have a docstring, each with whether it is public; what stands within a function is not."""
    yield node, public
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | _Function):
            within = public and not _private(child.name) and not isinstance(node, _Function)
            yield from _definitions(child, public=within)
        elif not isinstance(child, ast.expr):
            yield from ((one, seen) for one, seen in _definitions(child, public=public) if one is not child)


def _private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _count_docstring(figures: Figures, place: str, node: ast.AST, *, public: bool) -> None:
    if isinstance(node, _Function):
        figures.functions.append((node.end_lineno or node.lineno) - node.lineno + 1)
    elif not isinstance(node, ast.ClassDef | ast.Module):
        return
    text = ast.get_docstring(node)
    if not text:
        return
    parameters = set(_parameters(node))
    naming = bool(_ERROR.search(text)) or any(_names(text, parameter) for parameter in parameters)
    figures.docstrings += 1
    figures.naming += naming
    if public and isinstance(node, _Function) and (parameters or any(_raised(node))):
        figures.public += 1
        figures.public_naming += naming
        if not naming:
            figures.unnamed.append(f"{place}: {node.name}: {text.splitlines()[0]}")


def _names(text: str, parameter: str) -> bool:
    name = re.escape(parameter)
    forms = rf"`\*{{0,2}}{name}\b[^`]*`|:param [^:]*{name}:|^\s*{name}\s*(?:\([^)]*\))?\s*:"
    return bool(re.search(forms, text, re.MULTILINE))


def _parameters(node: ast.AST) -> Iterator[str]:
    """What a function takes; of a class its fields, and what its ``__init__`` takes."""
    if isinstance(node, _Function):
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        yield from (one.arg for one in every if one is not None and one.arg not in _RECEIVERS)
    elif isinstance(node, ast.ClassDef):
        for child in node.body:
            if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
                yield child.target.id
            elif isinstance(child, _Function) and child.name == "__init__":
                yield from _parameters(child)


def _raised(node: _Function) -> Iterator[ast.Raise]:
    return (child for child in ast.walk(node) if isinstance(child, ast.Raise) and child.exc is not None)


def _rooms(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    for room in sorted(path for path in folder.rglob("*") if path.is_dir()):
        files = sorted(room.glob("*.py"))
        if files:
            yield str(room.relative_to(folder.parent)), files


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="what to measure in place of this")
    options.add_argument("--unnamed", action="store_true", help="list public docstrings that name nothing")
    given = options.parse_args()
    folders = given.folders or [REPOSITORY / name for name in SHIPPED]
    print(f"{'':38} {'file':>6} {'most':>6} {'func':>6} {'p90':>6} {'public':>21} {'all':>21} {'comments':>10}")
    whole: list[Path] = []
    for folder in folders:
        whole += sorted(folder.rglob("*.py"))
        for name, files in [] if given.folders else _rooms(folder):
            print(measured(files).row(name))
        if given.folders:
            print(measured(sorted(folder.rglob("*.py"))).row(folder.name))
    figures = measured(whole)
    print(figures.row("all"))
    if given.unnamed:
        print(*figures.unnamed, sep="\n")


if __name__ == "__main__":
    main()
