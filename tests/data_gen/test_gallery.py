"""Contact sheets."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_gen import gallery
from data_gen.distort import LEVELS
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


def test_every_distortion_has_its_three_tiles() -> None:
    height, width = 140 + 28, 260 + 6
    rows = -(-3 * (len(LEVELS) + 2) // 6)  # the pen, and the desk, which only a page has
    assert gallery.distortions().shape == (rows * height, 6 * width, 3)


def test_the_command_writes_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gallery.SHEETS, "layouts", lambda: np.full((90, 600, 3), 255, np.uint8))
    options = ["--out", str(tmp_path), "--width", "300"]
    monkeypatch.setattr(sys, "argv", ["gallery", *options, "layouts"])
    gallery.main()
    assert [p.name for p in tmp_path.iterdir()] == ["layouts.png"]
    assert cv2.imread(str(tmp_path / "layouts.png")).shape[1] == 300
    monkeypatch.setattr(sys, "argv", ["gallery", *options, "nothing"])
    with pytest.raises(SystemExit):
        gallery.main()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(sys, "argv", ["gallery", "--out", str(tmp_path / "file"), "layouts"])
    with pytest.raises(SystemExit) as stopped:
        gallery.main()
    assert stopped.value.code == 1
