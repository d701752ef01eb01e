"""A document of sections, tables and figures, written as self-contained HTML and as Markdown."""

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STYLE_PATH = Path(__file__).with_name("report.css")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Args:
        cells: One text per column; `**text**` is strong, and what follows a tab is set small.
        heading: The row names the group below it and has this one text only.
    """

    cells: tuple[str, ...]
    heading: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first `text_columns` columns are text, the others numbers, set to the right.

    Args:
        caption: A sentence that says what the numbers are.
        columns: Heading of each column.
        rows: Lines and group headings.
        spans: Headings above the columns, each with the number of columns it covers.
        text_columns: How many columns from the left hold words.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    spans: tuple[tuple[str, int], ...] = ()
    text_columns: int = 1

    def html(self) -> str:
        head = ""
        if self.spans:
            cells = "".join(
                f'<th colspan="{width}" class="{"span" if text else ""}">{_inline(text)}</th>'
                for text, width in self.spans
            )
            head = f"<tr>{cells}</tr>"
        head += "<tr>" + "".join(
            self._cell("th", index, text) for index, text in enumerate(self.columns)
        )
        body = "".join(self._row(row) for row in self.rows)
        facts = ' class="facts"' if self.text_columns > 1 else ""
        return (
            f'<div class="wide"><table{facts}><caption>{_inline(self.caption)}</caption>'
            f"<thead>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _row(self, row: Row) -> str:
        if row.heading:
            text = _inline(row.cells[0])
            return f'<tr class="group"><th colspan="{len(self.columns)}">{text}</th></tr>'
        cells = (self._cell("td", index, text) for index, text in enumerate(row.cells))
        return f"<tr>{''.join(cells)}</tr>"

    def _cell(self, tag: str, index: int, text: str) -> str:
        kind = "word" if index < self.text_columns else "number"
        return f'<{tag} class="{kind}">{_inline(text)}</{tag}>'

    def markdown(self) -> str:
        spanned = [text for text, width in self.spans for _ in range(width)]
        spanned += [""] * (len(self.columns) - len(spanned))
        names = [f"{span} {name}".strip() for span, name in zip(spanned, self.columns, strict=True)]
        rule = [":--" if i < self.text_columns else "--:" for i in range(len(names))]
        lines = [names, rule]
        for row in self.rows:
            cells = [f"*{row.cells[0]}*"] if row.heading else list(row.cells)
            lines.append(cells + [""] * (len(names) - len(cells)))
        table = "\n".join("| " + " | ".join(map(_plain, line)) + " |" for line in lines)
        return f"{self.caption}\n\n{table}"


@dataclass(frozen=True)
class Figure:
    """A picture: a plot as SVG text, or a PNG file beside the report; small ones share a line."""

    caption: str
    svg: str = ""
    png: Path | None = None
    small: bool = False

    def html(self) -> str:
        picture = self.svg
        if self.png is not None:
            data = base64.b64encode(self.png.read_bytes()).decode("ascii")
            alt = html.escape(_plain(self.caption), quote=True)
            picture = f'<img src="data:image/png;base64,{data}" alt="{alt}">'
        kind = ' class="small"' if self.small else ""
        return f"<figure{kind}>{picture}<figcaption>{_inline(self.caption)}</figcaption></figure>"

    def markdown(self) -> str:
        if self.png is None:
            return f"*{_plain(self.caption)}* (plot: see index.html)"
        path = f"{self.png.parent.name}/{self.png.name}"
        return f"![{_plain(self.caption)}]({path})\n\n{_plain(self.caption)}"


@dataclass(frozen=True)
class Fold:
    """Blocks that the reader opens by hand (in print and Markdown they stand open)."""

    title: str
    blocks: tuple[Table | Figure, ...]
    is_open: bool = False

    def html(self) -> str:
        inner = "".join(block.html() for block in self.blocks)
        opened = " open" if self.is_open else ""
        return f"<details{opened}><summary>{_inline(self.title)}</summary>{inner}</details>"

    def markdown(self) -> str:
        return "\n\n".join([f"### {self.title}", *(block.markdown() for block in self.blocks)])


@dataclass(frozen=True)
class Section:
    """A heading, what it is about in a few sentences, and its tables and figures."""

    title: str
    text: tuple[str, ...]
    blocks: tuple[Table | Figure | Fold, ...] = ()

    def html(self) -> str:
        name = re.sub(r"\W+", "-", self.title.lower()).strip("-")
        text = "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in self.text)
        blocks = "".join(block.html() for block in self.blocks)
        return f'<section id="{name}"><h2>{_inline(self.title)}</h2>{text}{blocks}</section>'

    def markdown(self) -> str:
        parts = [f"## {self.title}", *self.text, *(block.markdown() for block in self.blocks)]
        return "\n\n".join(parts)


def to_html(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """One page that needs nothing beside it: style, plots and pictures are inside."""
    style = STYLE_PATH.read_text(encoding="utf-8")
    body = "".join(section.html() for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head><body><main>"
        f"<header><h1>{html.escape(title)}</h1><p>{_inline(subtitle)}</p></header>{body}"
        "</main></body></html>\n"
    )


def to_markdown(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """The same for a terminal or a code host; pictures stay files beside it."""
    parts = [f"# {title}", subtitle, *(section.markdown() for section in sections)]
    return "\n\n".join(parts) + "\n"


def _inline(text: str) -> str:
    """Escaped text with `**strong**`, `` `code` `` and the small part after a tab as HTML."""
    text, _, small = html.escape(text, quote=False).partition("\t")
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    return f"{text} <small>{small}</small>" if small else text


def _plain(text: str) -> str:
    text, _, small = text.replace("|", "\\|").partition("\t")
    return f"{text} ({small})" if small else text
