"""Leads whose picture is upside down or on its side: turned where the evidence is strong.

There are two kinds of evidence: which way time runs in the signal (`upright`), and lead names,
which are read one way up alone. A wrong time scale misleads the first, so that no lead is turned
upside down without the second. On its side, a lead is short, and it is not when it is turned.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_gen.sample import LEADS
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Illumination
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.names.seen import NameSeen, names_on
from ecg_overlap.digitize.network import Image
from ecg_overlap.digitize.upright import log_odds_upright
from ecg_overlap.digitize.usual import as_usual

Read = Callable[[Image], LeadSignal]

# Nobody has counted how many leads are upside down; it is taken to be one in 100.
USUALLY_UPRIGHT = math.log(99)
# Log odds of nine in ten: from there on a lead is turned; short of it, flagged.
SURELY = math.log(9)
# A network that is surer than this has seen no picture of its like: it is no better than 1 in 100.
MOST_BY_NAME = math.log(99)
ONE_WAY_UP = [k for k, name in enumerate(LEADS) if name.strip("I")]
DOUBTS = ("trace_short", "path_invented")  # a lead on its side is read with one of them


def read_upright(read: Read, image: Image) -> LeadSignal:
    """What `read` reads in the picture, turned where it must be.

    Args:
        read: Digitizes a picture as it is.
        image: uint8 (H, W, 3).

    Returns:
        Its `path_px` and stage pictures in the picture as it was given, its calibration in the
        turned one; flagged `turned` or `maybe_upside_down`.

    Raises:
        DigitizeError: The picture gives no signal, whichever way it is turned.
    """
    try:
        lead = read(image)
    except DigitizeError as error:
        if error.where == "grid":  # it has none on its side either
            raise
        found = _on_its_side(read, image)
        if found is None:
            raise
        return found
    if "trace_short" in lead.flags:
        found = _on_its_side(read, image)
        if found is not None:
            return found
    signal = log_odds_upright(lead.signal_mv, lead.fs_hz)
    if signal >= 0:  # of leads upside down, one in 20; names are not looked for in all others
        return lead
    names = _by_names(image, lead.calibration.px_per_mm_y)
    odds = USUALLY_UPRIGHT + names + signal
    if odds <= -SURELY and names <= -SURELY:
        turned = _turned(read, image, 2)
        if turned is not None:
            return turned
    return _flagged(lead, "maybe_upside_down") if odds < SURELY else lead


def _on_its_side(read: Read, image: Image) -> LeadSignal | None:
    """What a picture on its side holds; None: it is not on its side."""
    lead = _turned(read, image, 1)
    if lead is None or any(flag in lead.flags for flag in DOUBTS):
        return None
    turned = np.ascontiguousarray(np.rot90(image, -1))
    odds = _by_names(turned, lead.calibration.px_per_mm_y)
    odds += log_odds_upright(lead.signal_mv, lead.fs_hz)
    other = _turned(read, image, 3) if odds < 0 else None
    lead = lead if other is None else other
    return lead if abs(odds) >= SURELY else _flagged(lead, "maybe_upside_down")


def _by_names(image: Image, px_per_mm: float) -> float:
    """Log odds that a picture is upright, by the lead names that are read this way and turned."""
    image = as_usual(Illumination(image)).light.image
    try:
        ink = binarize(image, px_per_mm=px_per_mm)
    except DigitizeError:
        return 0.0
    upright, turned = (
        max((_one_way_up(name) for name in names_on(*seen, px_per_mm=px_per_mm)), default=0.0)
        for seen in ((image, ink), (_half_turn(image), _half_turn(ink)))
    )
    return _logit(upright) - _logit(turned)


def _one_way_up(name: NameSeen) -> float:
    """Probability that this is a name which is another thing upside down: I, II and III are not."""
    return float(name.probability[ONE_WAY_UP].sum())


def _logit(probability: float) -> float:
    least = 1 / (1 + math.exp(MOST_BY_NAME))
    kept = min(max(probability, least), 1 - least)
    return math.log(kept / (1 - kept))


def _half_turn(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture[::-1, ::-1])


def _turned(read: Read, image: Image, quarters: int) -> LeadSignal | None:
    """What is read of the picture turned clockwise; None where nothing is."""
    try:
        lead = read(np.ascontiguousarray(np.rot90(image, -quarters)))
    except DigitizeError:
        return None
    height, width = image.shape[:2]
    x, y = lead.path_px.T
    back = {1: (y, height - 1 - x), 2: (width - 1 - x, height - 1 - y), 3: (width - 1 - y, x)}
    stages = {name: np.rot90(shown, quarters) for name, shown in lead.stage_images.items()}
    lead = replace(
        lead,
        path_px=np.stack(back[quarters], axis=1),
        stage_images=stages,
        turned_deg=90 * quarters,
    )
    return _flagged(lead, "turned")


def _flagged(lead: LeadSignal, flag: str) -> LeadSignal:
    return replace(lead, flags=(flag, *lead.flags))
