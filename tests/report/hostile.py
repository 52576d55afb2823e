"""Texts that are made to break out of where they are shown, and what a browser would make of a page."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import strategies as st

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "| a | b |\n|---|---|",
    "[click](javascript:alert(1))",
    "![x](https://evil.test/x.png)",
    "`code` **bold** _it_ ~~no~~ # head",
    "&lt;b&gt; &amp; &#60;",
    "\x1b]0;owned\x07\x1b[31mred",
    "nul\x00 bell\x07 c1\x9b31m",
    "line\nbreak\rreturn\u2028separator\x85next",
    "right\u202eto\u2066left\u200b",
    "]]> <!-- --> <![CDATA[",
    "\ud800 lone",
    "\\| \\\\| \\",
    "</style></title></table>",
]


class Elements(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.text = self.text_but_nodes = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text += data
        if not self.elements or self.elements[-1][0] != "text":
            self.text_but_nodes += data


def shown(text: str) -> str:
    """How a text is shown: what cannot be seen, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


markup = st.text(st.one_of(st.sampled_from("<>&\"'|`*_{}[]()#~\\!-\n\t $@:/"), st.characters()), max_size=20)
