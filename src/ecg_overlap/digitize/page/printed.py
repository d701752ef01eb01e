"""The paper speed and the gain that are printed on a page (extra `ocr`)."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ecg_overlap.digitize.network import Image
from ecg_overlap.digitize.page.text_lines import lines_of

# Settings of electrocardiographs; another number beside the unit is misread. 5 mm/s is left out:
# it is what is left of 25 where a line is found in two parts, and no 12-lead page is printed so.
SPEEDS_MM_PER_S = (6.25, 10.0, 12.5, 25.0, 50.0, 100.0)
GAINS_MM_PER_MV = (2.5, 5.0, 10.0, 20.0, 40.0)
LEAST_SCORE = 0.6  # of a line: the mean of its letters' probabilities
# "25mm/s" is three times as long as high, and more than twice with the paper around it that is
# taken along; the names of leads are shorter.
LEAST_LENGTH = 2.0
_EACH = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?")
_NUMBER = rf"((?:{_EACH.pattern}\s*/\s*)?{_EACH.pattern})\s*"  # "10/5 mm/mV" are two
_SPEED = re.compile(_NUMBER + r"mm\s*/\s*s(?:ec)?(?![a-z])", re.IGNORECASE)
_GAIN = re.compile(_NUMBER + r"mm\s*/\s*m[v¥￥]", re.IGNORECASE)  # a V may be read as a yen
_OF_CHEST = re.compile(r"(?:chest|precordial)\w*\W*" + _GAIN.pattern, re.IGNORECASE)


class Gains(NamedTuple):
    """The gains that a page prints, mm/mV.

    Args:
        limb: Of the limb leads; None where none is printed, or several of unknown leads.
        chest: Of the chest leads, where it is said; None where all leads have one.
        unclear: Several gains, of which no text says which leads they are of.
    """

    limb: float | None = None
    chest: float | None = None
    unclear: tuple[float, ...] = ()


def printed_scale(image: Image, *, px_per_mm: float) -> tuple[float | None, Gains]:
    """Paper speed (mm/s) and gains (mm/mV) as printed on a page.

    No speed where none is printed, or where several different ones are; neither where RapidOCR is
    not installed.

    Args:
        image: uint8 (H, W, 3) RGB, upright.
        px_per_mm: Its scale.

    Raises:
        InputError: RapidOCR is installed without its networks.
    """
    lines = lines_of(image, px_per_mm=px_per_mm, longer=LEAST_LENGTH)
    return scale_in(text for text, score in lines or [] if score >= LEAST_SCORE)


def scale_in(lines: Iterable[str]) -> tuple[float | None, Gains]:
    """Paper speed and gains as lines of text give them.

    Of "10/5 mm/mV" the second is of the chest leads.

    Example:
        >>> scale_in(["25mm/s 10mm/mV 100Hz", "Page 1 of 1"])
        (25.0, Gains(limb=10.0, chest=None, unclear=()))
        >>> scale_in(["25 mm/s", "Limb: 10 mm/mV", "Chest: 5 mm/mV"])
        (25.0, Gains(limb=10.0, chest=5.0, unclear=()))
    """
    text = list(lines)
    speeds = sorted(set(_known(text, _SPEED, SPEEDS_MM_PER_S)))
    return speeds[0] if len(speeds) == 1 else None, _gains(text)


def _gains(text: list[str]) -> Gains:
    all_printed = _known(text, _GAIN, GAINS_MM_PER_MV)
    different = sorted(set(all_printed))
    if len(different) < 2:
        return Gains(limb=different[0] if different else None)
    of_chest = set(_known(text, _OF_CHEST, GAINS_MM_PER_MV))
    if not of_chest and len(all_printed) == 2 and len(_found(text, _GAIN)) == 1:  # as "10/5 mm/mV"
        of_chest = {all_printed[1]}
    if len(different) == 2 and len(of_chest) == 1:
        (chest,) = of_chest
        (limb,) = set(different) - of_chest
        return Gains(limb, chest)
    return Gains(unclear=tuple(different))


def _known(lines: list[str], unit: re.Pattern[str], known: tuple[float, ...]) -> list[float]:
    """The known values that stand beside a unit; unknown ones are misread, and say nothing."""
    texts = (number for several in _found(lines, unit) for number in _EACH.findall(several))
    return [value for text in texts if (value := float(text.replace(",", "."))) in known]


def _found(lines: list[str], unit: re.Pattern[str]) -> list[str]:
    return [several for line in lines for several in unit.findall(line)]
