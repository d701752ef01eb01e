"""Contact sheets."""

import sys
from pathlib import Path

import numpy as np
import pytest

from data_gen import gallery
from data_gen.errors import InputError


def test_a_sheet_holds_every_picture_in_its_cell() -> None:
    tiles = [
        (name, np.full((40, 80, 3), level, np.uint8))
        for name, level in zip("abc", (0, 90, 9), strict=True)
    ]
    sheet = gallery.contact_sheet(tiles, columns=2, size=(60, 30))
    assert sheet.shape == (2 * (30 + 28), 2 * 66, 3)
    assert [int(sheet[22 + 15 + dy, 30 + dx, 0]) for dy, dx in ((0, 0), (0, 66), (58, 0))] == [
        0,
        90,
        9,
    ]
    with pytest.raises(InputError, match="no picture"):
        gallery.contact_sheet([], columns=2, size=(60, 30))


def test_one_effect_at_one_level() -> None:
    dials = gallery.dials_at("gap", 0.5)
    assert dials.gap_p == 1.0 and dials.rotation_p == 0.0
    assert dials.gap_mm[0] == dials.gap_mm[1]
    assert gallery.dials_at("chroma", 0.0).jpeg_p == 1.0


def test_the_command_writes_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gallery", "--out", str(tmp_path), "layouts"])
    gallery.main()
    assert [p.name for p in tmp_path.iterdir()] == ["layouts.png"]
    with pytest.raises(SystemExit):
        monkeypatch.setattr(sys, "argv", ["gallery", "--out", str(tmp_path), "nothing"])
        gallery.main()
