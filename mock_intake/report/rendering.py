"""HTML by jinja2: what the server's pages and the pages of reports have in common, and the latter themselves.

Text from events is escaped wherever it stands: markup, and what cannot be seen. There is one style sheet, which the
server gives out as a file and a report has within, so that it opens from anywhere and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.compiler import CodeGenerator
from markupsafe import Markup, escape

from mock_intake import __version__
from mock_intake.report.escaping import clipped, cut, printable, printable_lines, shown, shown_lines
from mock_intake.report.finding_text import laid_out
from mock_intake.report.places import Group, alone
from mock_intake.secrets.presenting import presented

_HERE = "mock_intake.report"


@cache
def style() -> str:
    """The style sheet of all pages."""
    return files(_HERE).joinpath("style.css").read_text(encoding="utf-8")


class _EscapedOnce(CodeGenerator):
    """Templates in which what is put out is not escaped behind ``visible``, which has done that.

    Escaping markup again costs more than all else that is done for a value. Where jinja asks for this by another name
    it is escaped twice, which changes nothing.
    """

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write(f"({finalize.src}")


class _Environment(Environment):
    code_generator_class = _EscapedOnce


def environment(package: str) -> Environment:
    """What renders the templates in a package's folder ``templates``. What a template does not know is an error.

    Those of reports, which have what all pages share, are to be had as ``report/NAME``.
    """
    made = _Environment(
        loader=ChoiceLoader([PackageLoader(package), PrefixLoader({"report": PackageLoader(_HERE)})]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "lines": lines,
        # For text of ours, and for bodies, of which it was decided before what is shown: no secret is looked for.
        "as_it_is": lambda text, most: escape(printable(cut(text, most))),
        "lines_as_they_are": lambda text: escape(printable_lines(text)),
        "clip": _clip,
        "count": lambda number: f"{number:,}",
        "web_link": web_link,
        "laid_out": lambda found: laid_out(found if isinstance(found, Group) else alone(found)),
    }
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    """The page of a report: with its style, and a policy that allows this style alone, and no script."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    # The sheet is a file of ours.
    own = {"style": Markup(style()), "style_hash": f"sha256-{digest}", "version": __version__}  # noqa: S704
    return _reports().get_template(template).render({**own, **values}) + "\n"


@cache
def _reports() -> Environment:
    return environment(_HERE)


def visible(value: Any) -> Markup:
    """Whatever a template puts out: no secret, and escapes in place of what cannot be seen; markup stays as it is."""
    if isinstance(value, Markup):
        return value
    if type(value) is not str:
        if value is None:
            return _NOTHING
        value = str(value)
    return _visible_once(value) if len(value) <= _SHORT else _visible(value)


_NOTHING = Markup("")


def _visible(text: str) -> Markup:
    return escape(printable(presented(text)))


def _clip(text: Any, most: int) -> str:
    text = str(text)
    return _clipped_once(text, most) if len(text) <= _SHORT else _clipped(text, most)


def _clipped(text: str, most: int) -> str:
    return clipped(presented(text), most)


# A page says the same names, states and words again and again; what is long is not kept.
_SHORT = 120
_visible_once = lru_cache(maxsize=8_192)(_visible)
_clipped_once = lru_cache(maxsize=4_096)(_clipped)


def lines(text: str) -> Markup:
    """Text that keeps its lines, for elements that show them."""
    return escape(shown_lines(text))


def web_link(target: str) -> Markup:
    """A link to a page on the web; anything else stands there as text."""
    return _link_once(target) if len(target) <= _SHORT else _link(target)


def _link(target: str) -> Markup:
    if not target.startswith("https://"):
        return escape(shown(target))
    return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(shown(target))


# Sources of rules, of which there are some hundred.
_link_once = lru_cache(maxsize=512)(_link)
