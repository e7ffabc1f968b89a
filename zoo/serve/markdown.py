"""Markdown of cards and papers as HTML, with nothing of its own and nothing from elsewhere; needs the extra `serve`."""

from __future__ import annotations

import re

_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def to_html(markdown: str) -> str:
    """HTML of CommonMark and its tables.

    Metadata for hubs at its head are left out. What looks like HTML is shown as text, links with other schemes than
    those of pages stay text, too, and images are not loaded.
    """
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    rendered: str = reader.render(_FRONT.sub("", markdown))
    return rendered
