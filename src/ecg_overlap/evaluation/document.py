"""A document of sections, tables and figures, written as self-contained HTML and as Markdown."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Args:
        cells: One text per column; `**text**` is bold, and what follows a tab is set small.
        heading: The row names the group below it and has this one text only.
    """

    cells: tuple[str, ...]
    heading: bool = False


def group(heading: str, rows: Sequence[Row]) -> list[Row]:
    """The rows under a heading of their own; nothing where there is none."""
    return [Row((heading,), heading=True), *rows] if rows else []


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

    kind: ClassVar[str] = "table"  # its macro in report.html.j2

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    spans: tuple[tuple[str, int], ...] = ()
    text_columns: int = 1

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

    kind: ClassVar[str] = "figure"  # its macro in report.html.j2

    caption: str
    svg: str = ""
    png: Path | None = None
    small: bool = False

    def markdown(self) -> str:
        if self.png is None:
            return f"*{_plain(self.caption)}* (plot: see index.html)"
        path = f"{self.png.parent.name}/{self.png.name}"
        return f"![{_plain(self.caption)}]({path})\n\n{_plain(self.caption)}"


@dataclass(frozen=True)
class Fold:
    """Blocks that the reader unfolds (in print and in Markdown they are open)."""

    kind: ClassVar[str] = "fold"  # its macro in report.html.j2

    title: str
    blocks: tuple[Table | Figure, ...]
    is_open: bool = False

    def markdown(self) -> str:
        return "\n\n".join([f"### {self.title}", *(block.markdown() for block in self.blocks)])


@dataclass(frozen=True)
class Section:
    """A heading, what it is about in a few sentences, and its tables and figures."""

    title: str
    text: tuple[str, ...]
    blocks: tuple[Table | Figure | Fold, ...] = ()

    @property
    def name(self) -> str:
        """What a link to the section names."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")

    def markdown(self) -> str:
        parts = [f"## {self.title}", *self.text, *(block.markdown() for block in self.blocks)]
        return "\n\n".join(parts)


def to_html(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """One page that needs nothing beside it; all text is escaped but the marks of `_inline`."""
    page = _templates().get_template("report.html.j2")
    return page.render(title=title, subtitle=subtitle, sections=sections)


def to_markdown(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """The same for a terminal or a code host; pictures stay files beside it."""
    parts = [f"# {title}", subtitle, *(section.markdown() for section in sections)]
    return "\n\n".join(parts) + "\n"


def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    found.filters |= {"inline": _inline, "plain": _plain, "base64": _base64}
    return found


def _inline(text: str) -> Markup:
    """Escaped text with `**strong**`, `` `code` `` and the small part after a tab as HTML."""
    marked, _, small = str(escape(text)).partition("\t")
    marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", marked)
    marked = re.sub(r"`(.+?)`", r"<code>\1</code>", marked)
    return Markup(f"{marked} <small>{small}</small>" if small else marked)


def _plain(text: str) -> str:
    text, _, small = text.replace("|", "\\|").partition("\t")
    return f"{text} ({small})" if small else text


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
