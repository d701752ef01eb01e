"""Pages in shards: what is stored comes back, and what is damaged says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_made import HandMade, hand_page

from data_gen.errors import InputError
from data_gen.formats import PageShards, Shards
from data_gen.formats.page_shards import from_members, members
from data_gen.sample import Page
from data_gen.write_set import SetPlan, write_set


def same(one: Page, other: Page) -> bool:
    """Whether two pages are equal in everything, to the bit."""
    facts = [replace(p, image=None, traces=()) for p in (one, other)]  # type: ignore[arg-type]
    if facts[0] != facts[1] or not np.array_equal(one.image, other.image):
        return False
    for a, b in zip(one.traces, other.traces, strict=True):
        for name in ("signal_mv", "polyline_px", "mask"):
            ours, theirs = getattr(a, name), getattr(b, name)
            if (ours is None) != (theirs is None):
                return False
            if ours is not None and ours.tobytes() != theirs.tobytes():
                return False
        plain = [(t.lead_name, t.row, t.start_s, t.fs_hz, t.calibration) for t in (a, b)]
        if plain[0] != plain[1]:
            return False
    return True


@pytest.fixture
def written(tmp_path: Path) -> Path:
    plan = SetPlan(n=3, samples_per_shard=2, format="pages")
    write_set(HandMade(), tmp_path, plan, progress=False)
    return tmp_path


def test_a_page_survives_whole() -> None:
    page = hand_page(2)
    signal = page.traces[1].signal_mv.copy()
    signal[4] = np.nan
    page = replace(page, traces=(page.traces[0], replace(page.traces[1], signal_mv=signal)))
    assert same(from_members(members(page), "here"), page)


def test_a_mask_that_it_does_not_have_stays_none() -> None:
    page = hand_page(0)
    bare = replace(page, traces=tuple(replace(t, mask=None) for t in page.traces))
    assert not any("mask" in name for name in members(bare))
    assert same(from_members(members(bare), "here"), bare)


def test_a_set_is_read_by_number_and_in_order(written: Path) -> None:
    pages = PageShards(written)
    expected = [HandMade().page(index) for index in range(3)]
    assert len(pages) == 3
    assert all(same(a, b) for a, b in zip(pages, expected, strict=True))
    assert same(pages[2], expected[2])
    with pytest.raises(IndexError):
        pages[3]


def test_its_card_counts_leads_and_names_the_reader(written: Path) -> None:
    card = (written / "README.md").read_text(encoding="utf-8")
    assert "from data_gen.formats import PageShards" in card
    assert PageShards(written).manifest["leads"]["II"] == 6  # twice on each page


def test_a_set_of_another_format_says_which(written: Path) -> None:
    with pytest.raises(InputError, match="of a set in the format pages"):
        Shards(written)


def test_a_missing_member_says_where() -> None:
    content = members(hand_page(0))
    del content["trace-01.signal.npy"]
    with pytest.raises(InputError, match=r"page 7.*trace-01\.signal"):
        from_members(content, "page 7")


def test_a_damaged_shard_is_refused(written: Path) -> None:
    shard = written / "shard-000000.tar"
    content = bytearray(shard.read_bytes())
    content[2000] ^= 1
    shard.write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged"):
        PageShards(written)[0]
