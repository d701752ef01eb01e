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
_NUMBER = r"(\d{1,3}(?:[.,]\d{1,2})?)\s*"
_SPEED = re.compile(_NUMBER + r"mm\s*/\s*s(?:ec)?(?![a-z])", re.IGNORECASE)
_GAIN = re.compile(_NUMBER + r"mm\s*/\s*m[v¥￥]", re.IGNORECASE)  # a V may be read as a yen


def printed_scale(image: Image, *, px_per_mm: float) -> tuple[float | None, float | None]:
    """Paper speed (mm/s) and gain (mm/mV) as printed on a page.

    None each where none is printed, where several different ones are (a gain for the limb leads
    and one for the chest leads), and where RapidOCR is not installed.

    Args:
        image: uint8 (H, W, 3) RGB, upright.
        px_per_mm: Its scale.

    Raises:
        InputError: RapidOCR is installed without its networks.
    """
    lines = lines_of(image, px_per_mm=px_per_mm, longer=LEAST_LENGTH)
    return scale_in(text for text, score in lines or [] if score >= LEAST_SCORE)


def scale_in(lines: Iterable[str]) -> tuple[float | None, float | None]:
    """Paper speed and gain as lines of text give them.

    Example:
        >>> scale_in(["25mm/s 10mm/mV 100Hz", "Page 1 of 1"])
        (25.0, 10.0)
        >>> scale_in(["25 mm/s", "Limb: 10 mm/mV", "Chest: 5 mm/mV"])
        (25.0, None)
    """
    text = list(lines)
    return _only(text, _SPEED, SPEEDS_MM_PER_S), _only(text, _GAIN, GAINS_MM_PER_MV)


def _only(lines: list[str], unit: re.Pattern[str], known: tuple[float, ...]) -> float | None:
    """The one known value that stands beside a unit; unknown ones are misread, and say nothing."""
    numbers = {float(n.replace(",", ".")) for line in lines for n in unit.findall(line)}
    settings = numbers.intersection(known)
    return settings.pop() if len(settings) == 1 else None
