"""The contact sheet of augmentations shows every option, and that they differ."""

import numpy as np

from data_gen.conf_folder import conf_dir
from ecg_overlap import augment_gallery


def test_every_option_has_its_row_and_none_of_them_equals_another() -> None:
    sheet = augment_gallery.draw_sheet()
    options = len(list((conf_dir() / "aug").glob("*.yaml")))
    rows = np.split(sheet, options)
    assert len({row[30:].tobytes() for row in rows}) == options  # below the captions
