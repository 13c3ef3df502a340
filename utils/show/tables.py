"""HTML tables of widgets, which a screen reader can read row by row."""

from collections.abc import Iterable
from html import escape

NAME = "vertical-align:top;text-align:left;font-weight:normal;padding-right:1em"


def named_rows(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of two columns; each name is the heading of its row.

    rows : (name, content); the name is plain text, the content is HTML already
    """
    lines = "".join(
        f'<tr><th scope="row" style="{NAME}">{escape(name)}</th>'
        f'<td style="text-align:left">{content}</td></tr>'
        for name, content in rows
    )
    return f"<table>{lines}</table>"
