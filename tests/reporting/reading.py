"""What a reader of a page sees, by Python's own parser: its tables, its texts, and everything that it would load."""

import re
from html.parser import HTMLParser

LOADING = ("src", "href", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href", "ping")
EMPTY = {"meta", "input", "br", "img", "link"}


class Page(HTMLParser):
    """A page, read."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.styles = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        self.links += [found[name] or "" for name in LOADING if name in found]
        self.styles += found.get("style") or ""
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.texts.append((self.open[-1], data))
            if self.open[-1] == "style":
                self.styles += data
        if {"td", "th"} & set(self.open) and self.tables:
            self.tables[-1][-1][-1] += data

    def of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    @property
    def loads(self) -> list[str]:
        """What it would ask for: every link but those into itself, and every address in its styles."""
        styled = re.findall(r"url\(\s*['\"]?([^)'\"]*)|@import[^;]*", self.styles)
        return [link for link in [*self.links, *styled] if not link.startswith(("#", "data:"))]
