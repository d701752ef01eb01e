"""The results' HTML pages: escaped, without scripts, nothing fetched from elsewhere."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from data_gen.whole_file import whole_file

GENERATOR = "ecg-overlap page"  # in every page of ours, by which it is known


def write_html(template: str, values: Mapping[str, Any], path: Path) -> Path:
    """A page of a template beside this file."""
    text = _templates().get_template(template).render(values, generator=GENERATOR)
    with whole_file(path) as made:
        made.write_text(text, encoding="utf-8")
    return path


def shown(text: str) -> str:
    r"""A file's name as it can be shown: bytes that are no text, and marks that move it, as "�".

    Example:
        >>> shown("scan\u202egnp.exe\udce9")
        'scan�gnp.exe�'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def url(path: str) -> str:
    """A relative path as an address; a name can neither end it nor name a scheme.

    Example:
        >>> url('ward 3/javascript:a"b.html')
        'ward%203/javascript%3Aa%22b.html'
    """
    return quote(path, safe="/", errors="surrogateescape")


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"shown": shown, "url": url}
    return found
