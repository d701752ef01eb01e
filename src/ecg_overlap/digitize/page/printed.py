"""The paper speed and the gain that are printed on a page (extra `ocr`)."""

import re
from collections.abc import Iterable

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
Gains = tuple[float, ...]  # mm/mV, ascending: one for the limb leads and one for the chest leads
_EACH = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?")
_NUMBER = rf"((?:{_EACH.pattern}\s*/\s*)?{_EACH.pattern})\s*"  # "10/5 mm/mV" are two
_SPEED = re.compile(_NUMBER + r"mm\s*/\s*s(?:ec)?(?![a-z])", re.IGNORECASE)
_GAIN = re.compile(_NUMBER + r"mm\s*/\s*m[v¥￥]", re.IGNORECASE)  # a V may be read as a yen


def printed_scale(image: Image, *, px_per_mm: float) -> tuple[float | None, Gains]:
    """Paper speed (mm/s) and gains (mm/mV) as printed on a page.

    No speed where none is printed, or where several different ones are; no gains where none is
    printed; neither where RapidOCR is not installed.

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

    Example:
        >>> scale_in(["25mm/s 10mm/mV 100Hz", "Page 1 of 1"])
        (25.0, (10.0,))
        >>> scale_in(["25 mm/s", "Limb: 10 mm/mV", "Chest: 5 mm/mV"])
        (25.0, (5.0, 10.0))
    """
    text = list(lines)
    speeds = _known(text, _SPEED, SPEEDS_MM_PER_S)
    return speeds[0] if len(speeds) == 1 else None, _known(text, _GAIN, GAINS_MM_PER_MV)


def _known(lines: list[str], unit: re.Pattern[str], known: tuple[float, ...]) -> Gains:
    """The known values that stand beside a unit; unknown ones are misread, and say nothing."""
    texts = (
        number
        for line in lines
        for several in unit.findall(line)
        for number in _EACH.findall(several)
    )
    numbers = {float(text.replace(",", ".")) for text in texts}
    return tuple(sorted(numbers.intersection(known)))
