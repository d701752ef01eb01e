"""The pages of a PDF as pictures: vectors and scans alike, by PDFium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.read_image import MAX_PIXELS, MAX_SIDE_PX, not_blank

SUFFIX = ".pdf"
MM_PER_INCH = 25.4
POINTS_PER_INCH = 72.0
PX_PER_MM = 8.0  # at least, where the page is as large as its paper
A3_POINTS = 420 / MM_PER_INCH * POINTS_PER_INCH
SCAN_SHARE = 0.8  # of the page's area; a picture that covers more of it is a scan of the page


def n_pages(path: Path) -> int:
    """How many pages a PDF has.

    Raises:
        DigitizeError: No such file, none that PDFium reads, or one that asks for a password.
    """
    with _opened(path) as document:
        count = len(document)
    if not count:
        raise DigitizeError(path, "has no page", "it is damaged: make it again")
    return count


def render_page(path: Path, page: int) -> NDArray[np.uint8]:
    """One page at 8 px/mm, or at the resolution of the scan that it is, if that is more.

    Args:
        path: The PDF.
        page: From 0.

    Returns:
        uint8 (H, W, 3), RGB, at most as large as `MAX_PIXELS` and `MAX_SIDE_PX` say.

    Raises:
        DigitizeError: As for `n_pages`; the page cannot be drawn, or it is blank.
    """
    where = f"{path}, page {page + 1}"
    with _opened(path) as document:
        try:
            shown = document[page]
            bitmap = shown.render(scale=_scale(shown), rev_byteorder=True, prefer_bgrx=False)
            # Copied, as PDFium frees its memory with the document.
            image = np.array(bitmap.to_numpy()[..., :3], np.uint8)
        except (pdfium.PdfiumError, IndexError, ValueError) as error:
            raise DigitizeError(
                where, f"cannot be drawn ({error})", "it is damaged: make the PDF again"
            ) from error
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return not_blank(where, image)


@contextmanager
def _opened(path: Path) -> Iterator[pdfium.PdfDocument]:
    """The document; PDFium reads from the file what it needs, so that its length is no matter."""
    if not path.is_file():
        raise DigitizeError(path, "no such file", "check the path")
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise DigitizeError(
                path, "is encrypted", "save it without a password, e.g. by printing it to a PDF"
            ) from error
        raise DigitizeError(
            path, "is no PDF that could be read", "it is damaged or cut short: copy it again"
        ) from error
    try:
        yield document
    finally:
        document.close()


def _scale(page: pdfium.PdfPage) -> float:
    """Pixels per point."""
    width, height = page.get_size()
    wanted = PX_PER_MM * MM_PER_INCH / POINTS_PER_INCH
    scan = _scan_px_per_point(page, width * height)
    if scan is not None:
        # A page beyond A3 is a photo in points, not paper in its size: enlarging it adds nothing.
        wanted = scan if max(width, height) > A3_POINTS else max(wanted, scan)
    # PDFium rounds the sides up, so half a pixel more than asked for may come.
    area = (MAX_PIXELS / (width * height)) ** 0.5 * 0.999
    return float(min(wanted, area, (MAX_SIDE_PX - 1) / max(width, height)))


def _scan_px_per_point(page: pdfium.PdfPage, area: float) -> float | None:
    """The resolution of the finest picture that fills the page; None: there is none."""
    found = []
    for image in page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,)):
        left, bottom, right, top = image.get_bounds()
        if (right - left) * (top - bottom) >= SCAN_SHARE * area:
            columns, rows = image.get_px_size()
            # By areas, which a picture that lies turned on the page does not change.
            found.append((columns * rows / ((right - left) * (top - bottom))) ** 0.5)
    return max(found, default=None)
