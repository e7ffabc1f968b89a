"""A specialist's card as a page: Markdown rendered without raw HTML, and with nothing from elsewhere."""

from __future__ import annotations

import html

from zoo.files import inside
from zoo.serve.markdown import to_html
from zoo.serve.served import Served

FILE = "README.md"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{root}/page/page.css">
</head>
<body>
<main class="card">
<p><a href="{root}/">Try it</a></p>
{card}
</main>
</body>
</html>
"""


def markdown(specialist: Served) -> str:
    """The card as it was published; '' where there is none."""
    path = inside(specialist.folder, FILE)
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def page(specialist: Served, root: str) -> str:
    """The card as HTML.

    Args:
        specialist: whose.
        root: the path the app is mounted at; '' at the top.
    """
    card = to_html(markdown(specialist))
    return _PAGE.format(title=html.escape(specialist.manifest.id), root=html.escape(root, quote=True), card=card)
