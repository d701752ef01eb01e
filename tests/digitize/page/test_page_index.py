"""The index of a folder: complete, light, safe against what names can hold."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from made_pages import read, save

from ecg_overlap.digitize.listing import list_files
from ecg_overlap.digitize.page import index_page
from ecg_overlap.digitize.page.facts import PageRow
from ecg_overlap.digitize.page.folder import PageOptions, digitize_pages
from ecg_overlap.digitize.page.html import shown, url
from ecg_overlap.digitize.page.index_page import index_name, write_index


class Page(HTMLParser):
    """Tags, addresses and text of an HTML file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.words = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.addresses.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data: str) -> None:
        self.words += data


def digitized(out: Path, *patterns: Path) -> list[PageRow]:
    files = list_files(map(str, patterns), recursive=True).files
    return list(digitize_pages(files, PageOptions(out=out, read=read)))


def index(out: Path, rows: list[PageRow]) -> Page:
    return Page(write_index(out, [row for row in rows if row.status == "failed"]))


def test_every_link_leads_to_a_file_that_is_there(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "ward #3 50%?" / "b.png")
    out = tmp_path / "out"
    page = index(out, digitized(out, tmp_path / "in"))
    (out / "summary.csv").write_text("")
    assert len(page.addresses) == 1 + 2 * 7
    for address in page.addresses:
        assert (out / unquote(address)).is_file(), address
    for name in ("a.html", "ward #3 50%?/b.html"):
        for address in Page(out / name).addresses:
            assert (out / name).parent.joinpath(unquote(address)).resolve().is_file(), address


HOSTILE = [
    "<script>alert(1)<.png",
    'a" onerror="alert(1).png',
    "'><img src=x onerror=alert(1)>.png",
    "{{ 7 * 7 }}.png",
    "javascript:alert(1).png",
    "line\nbreak.png",
    "gnp.\u202egnp.png",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_wherever_it_stands(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    folder_name = name.replace("/", "").removesuffix(".png")
    save(tmp_path / "in" / folder_name / name.replace("/", ""))
    save(tmp_path / "in" / folder_name / f"bad {name}".replace("/", ""), bad=True)
    page = index(out, digitized(out, tmp_path / "in"))
    (record,) = out.rglob("*.hea")
    for made in (page, Page(record.with_suffix(".html"))):
        assert not {"script", "iframe", "object"} & set(made.tags) and not made.handlers
        assert not any(":" in address for address in made.addresses)
        assert shown(name.replace("/", "")) in made.words
        assert "\u202e" not in made.words and not re.search(r"\b49\b", made.words)
    assert page.tags.count("img") == 1


def test_failures_stand_in_the_table_with_their_reason(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", bad=True)
    page = index(tmp_path / "out", digitized(tmp_path / "out", tmp_path / "in"))
    assert "no trace was found; check that it is an ECG" in page.words
    assert "1 page, 1 failed" in page.words


def test_a_page_that_fails_now_is_not_shown_as_it_was(tmp_path: Path) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    digitized(out, picture)
    save(picture, bad=True)
    page = index(out, digitized(out, picture))
    assert "no trace was found" in page.words and page.tags.count("img") == 0


def test_pages_of_earlier_commands_stay_in_the_index(tmp_path: Path) -> None:
    out = tmp_path / "out"
    digitized(out, save(tmp_path / "a.png"))
    page = index(out, digitized(out, save(tmp_path / "b.png")))
    assert "2 pages" in page.words and {"a.html", "b.html"} <= set(page.addresses)


def test_the_json_files_of_others_are_passed_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = digitized(out, save(tmp_path / "a.png"))
    facts = json.loads((out / "a.json").read_text())
    for name, text in {
        "list": "[1]", "half": "{", "lead": '{"complete": true}',
        "unfinished": json.dumps(facts | {"complete": False}),
        "strange": json.dumps(facts | {"scale": 3}),
    }.items():  # fmt: skip
        (out / f"{name}.json").write_text(text)
    assert "1 page" in index(out, rows).words


def test_many_pages_are_parted_and_stay_light(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    rows = digitized(out, save(tmp_path / "a.png"))
    facts = json.loads((out / "a.json").read_text())
    for k in range(24):
        (out / f"p{k:02}.json").write_text(json.dumps(facts))
    monkeypatch.setattr(index_page, "PER_FILE", 10)
    first = index(out, rows)
    assert {p.name for p in out.glob("index*")} == {index_name(k) for k in (1, 2, 3)}
    assert first.addresses.count("index-3.html") == 2 and first.tags.count("img") == 10
    text = (out / "index-3.html").read_text()
    assert text.count("<img") == text.count('loading="lazy"') == 5
    assert (len(text) - len((out.parent / "out" / "index.html").read_text())) < 0
    assert len((out / "index.html").read_text()) < 5_000 + 10 * 1_600
    for k in range(24):
        (out / f"p{k:02}.json").unlink()
    index(out, rows)
    assert [p.name for p in out.glob("index*")] == ["index.html"]


def test_pages_with_a_doubtful_lead_are_named_first_the_worst_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = digitized(out, save(tmp_path / "a.png"))
    facts = json.loads((out / "a.json").read_text())
    assert "Look first" not in index(out, rows).words
    for name, least in (("p", 0.4), ("q", 0.1), ("r", 0.6)):
        own = facts | {"quality": {"least": least, "lead": "V3", "mean": 0.9}}
        (out / f"{name}.json").write_text(json.dumps(own))
    page = index(out, rows)
    first = page.words[page.words.index("Look first") :]
    assert first.index("q\xa00.10") < first.index("p\xa00.40") < first.index("–")
    assert "r\xa0" not in first
    text = (out / "index.html").read_text()
    assert text.count('<td class="number failed">') == 2


def test_names_in_addresses_are_quoted() -> None:
    assert url("a b/c:d?e#f%.html") == "a%20b/c%3Ad%3Fe%23f%25.html"
    assert url("caf\udce9.html") == "caf%E9.html"
