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
_NUMBER = rf"(?<![\d/.,])({_EACH.pattern})(?:\s*/\s*({_EACH.pattern}))?\s*"  # "10/5 mm/mV" are two
_SPEED = re.compile(_NUMBER + r"mm\s*/\s*s(?:ec)?(?![a-z])", re.IGNORECASE)
_LIMB = r"limbs?|extrem\w*"
_CHEST = r"chest|precordials?|brustwand\w*|v1\s*[-–]\s*v?6"
_GAIN = re.compile(
    rf"(?:\b(?:({_LIMB})|({_CHEST}))(?:\s*leads?)?[\s:=(]*)?{_NUMBER}mm\s*/\s*m[v¥￥]",
    re.IGNORECASE,  # a V may be read as a yen
)
# Chest leads are printed at half of the limb leads' gain, if not at the same (half standard): other
# pairs, as "40/10", are taken for something else. A guess: no list of devices was looked through.
HALF = 2.0


class Gains(NamedTuple):
    """The gains that a page prints, mm/mV.

    Args:
        limb: Of the limb leads, and of the chest leads too where `chest` is None; None where none
            is printed, or several of unknown leads.
        chest: Of the chest leads, where it is said apart.
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

    Of "10/5 mm/mV" the second is of the chest leads; two gains without such words are unclear.

    Example:
        >>> scale_in(["25mm/s 10mm/mV 100Hz", "Page 1 of 1"])
        (25.0, Gains(limb=10.0, chest=None, unclear=()))
        >>> scale_in(["25 mm/s", "Limb: 10 mm/mV", "Chest: 5 mm/mV"])
        (25.0, Gains(limb=10.0, chest=5.0, unclear=()))
    """
    text = list(lines)
    numbers = (n for line in text for found in _SPEED.finditer(line) for n in found.groups())
    speeds = set(_known(numbers, SPEEDS_MM_PER_S))
    return speeds.pop() if len(speeds) == 1 else None, _gains(text)


def _gains(text: list[str]) -> Gains:
    limb, chest, unlabelled = set[float](), set[float](), set[float]()
    for line in text:
        for found in _GAIN.finditer(line):
            of_limb, of_chest, *numbers = found.groups()
            values = _known(numbers, GAINS_MM_PER_MV)
            if len(values) == 2 and values[0] == HALF * values[1]:
                limb.add(values[0])
                chest.add(values[1])
            elif len(values) == 1:
                (chest if of_chest else limb if of_limb else unlabelled).update(values)
            else:
                unlabelled.update(values)
    printed = sorted(limb | chest | unlabelled)
    if len(printed) <= 1 and not (chest and not limb and not unlabelled):
        return Gains(printed[0] if printed else None)
    of_limb_too = chest & (limb | unlabelled)
    others = (limb | unlabelled) - chest
    if len(chest) == 1 and len(others) <= 1 and not of_limb_too:
        return Gains(others.pop() if others else None, chest.pop())
    return Gains(unclear=tuple(printed))


def _known(numbers: Iterable[str | None], known: tuple[float, ...]) -> list[float]:
    """The known values among numbers; unknown ones are misread, and say nothing."""
    values = (float(number.replace(",", ".")) for number in numbers if number)
    return [value for value in values if value in known]
