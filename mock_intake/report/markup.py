"""HTML and SVG put together so that text is escaped unless it is markup already: nothing can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mock_intake.report.escaping import in_html

_VOID = frozenset(("meta", "br", "hr"))


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()

    def __add__(self, other: str) -> Markup:
        return joined([self, other])


def element(name: str, /, *content: str, **attributes: str | float | None) -> Markup:
    """An element. Attributes of the value None are left out; ``_`` in their names stands for ``-``, one at the end
    for nothing."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{in_html(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{pairs}>")
    return Markup(f"<{name}{pairs}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Parts one after another; what is no markup is escaped."""
    return Markup("".join(part if isinstance(part, Markup) else in_html(part) for part in parts))


def link(address: str) -> Markup:
    """A link to a page on the web; anything else stands there as text."""
    return element("a", address, href=address) if address.startswith("https://") else joined([address])


def items(parts: Iterable[str], name: str = "ul", **attributes: str | None) -> Markup:
    """A list; nothing where there are no parts."""
    entries = [element("li", part) for part in parts]
    return element(name, *entries, **attributes) if entries else Markup()


def folded(summary: str, *content: str, is_open: bool = False) -> Markup:
    """Content behind its summary, which needs no script to be unfolded."""
    return element("details", element("summary", summary), *content, open="" if is_open else None)


def table(caption: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Markup:
    """A table that scrolls within itself where the screen is narrow, also by keyboard; the first cell heads its row."""
    columns = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = (element("tr", *(_cell(cell, first=number == 0) for number, cell in enumerate(cells))) for cells in rows)
    return scrolling(
        caption,
        element("table", element("caption", caption), element("thead", columns), element("tbody", *body)),
    )


def _cell(content: str, *, first: bool) -> Markup:
    return element("th", content, scope="row") if first else element("td", content)


def scrolling(label: str, *content: str) -> Markup:
    return element("div", *content, class_="scrolling", role="region", aria_label=label, tabindex="0")


def definitions(told: Mapping[str, str]) -> Markup:
    """Words and what they stand for; those that stand for nothing are left out."""
    pairs = (element("dt", word) + element("dd", content) for word, content in told.items() if content)
    return element("dl", *pairs)
