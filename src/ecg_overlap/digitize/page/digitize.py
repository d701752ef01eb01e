"""From a picture of a page to its leads; a page that is upside down or on its side is turned."""

import math
from dataclasses import replace

import numpy as np

from data_gen.errors import InputError
from ecg_overlap.digitize.checks import check_px_per_mm, checked_image
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Illumination
from ecg_overlap.digitize.network import Image, Network
from ecg_overlap.digitize.page.judge import laws_tell, names_tell
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.digitize.page.read import Request, paper_of, read_page
from ecg_overlap.digitize.usual import as_usual


def digitize_page(
    image: Image,
    *,
    px_per_mm: float | None = None,
    mm_per_s: float | None = None,
    mm_per_mv: float | None = None,
    chest_mm_per_mv: float | None = None,
    layout: str | None = None,
    method: str = "default",
    fs_hz: float = 500.0,
    network: Network | None = None,
    stages: bool = False,
) -> PageSignal:
    """Digitize all leads of a page.

    Args:
        image: uint8 (H, W, 3), RGB.
        px_per_mm: The scale, where known; otherwise the grid is measured.
        mm_per_s: Paper speed, where known; otherwise as the page tells, or 25.
        mm_per_mv: Gain, where known; otherwise as the calibration pulse tells, or 10.
        chest_mm_per_mv: Gain of the chest leads, where known; otherwise `mm_per_mv` where that is
            told, or as pulses or text tell, or that of the limb leads.
        layout: As "3x4+1R", where known.
        method: `classical`, or a network's method that sees the ink of all traces; "default": the
            network's, or `classical` without one.
        fs_hz: Of the result.
        network: For the methods that use one.
        stages: Return the stages' pictures.

    Where neither the names that were read nor what simultaneous leads must obey tells which leads
    these are, the page is tried in other ways: by "default", without the network too (`method` of
    the result says so), then upside down and on its sides (`turned_deg`). Without success in any,
    the first upright reading stands.

    Raises:
        DigitizeError: The page gives no leads; says which stage and what to do.
        InputError: An argument cannot be used.
    """
    given = checked_image(image)
    usual = as_usual(Illumination(given), frames=False)
    image = usual.light.image
    inverted = ("inverted",) if usual.inverted else ()
    del usual  # and with it what was computed of the picture
    request = Request(
        px_per_mm, mm_per_s, mm_per_mv, chest_mm_per_mv, layout, method, fs_hz, network, stages
    )
    _check_numbers(image, request)
    request.plan(), request.told()  # what cannot be used is said before any work
    by_turn = {0: [request], 2: [request], 1: [request], 3: [request]}  # quarters, clockwise
    if method == "default" and network is not None:
        by_turn[0].append(replace(request, method="classical"))
    upright: PageSignal | None = None
    errors: list[DigitizeError] = []
    for quarters, requests in by_turn.items():
        try:
            paper = None  # the one before is as large as the picture
            paper = paper_of(np.ascontiguousarray(np.rot90(image, -quarters)), request)
        except DigitizeError as error:
            errors.append(error.kept())
            continue
        for asked in requests:
            try:
                page = read_page(paper, asked)
            except DigitizeError as error:
                errors.append(error.kept())
                continue
            page = replace(page, flags=(*inverted, *page.flags))
            if given is not image and page.stage_images:
                shown = np.ascontiguousarray(np.rot90(given, -quarters))
                page = replace(page, stage_images={**page.stage_images, "image": shown})
            if names_tell(page.strips) or laws_tell(page.consistency):
                turned = ("turned",) if quarters else ()
                return replace(page, turned_deg=90 * quarters, flags=(*turned, *page.flags))
            if quarters == 0 and upright is None:
                upright = page
    if upright is None:
        raise errors[0]
    return upright


def _check_numbers(image: Image, asked: Request) -> None:
    """Refuse what would end in a division by zero, or in more pixels than there is memory for."""
    if not (math.isfinite(asked.fs_hz) and asked.fs_hz > 0):
        raise InputError("fs_hz", f"{asked.fs_hz} is no frequency", "give a positive number of Hz")
    for name in ("mm_per_s", "mm_per_mv", "chest_mm_per_mv"):
        value = getattr(asked, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(name, f"{value} is no scale", "give a positive finite number")
    check_px_per_mm(image, asked.px_per_mm)
