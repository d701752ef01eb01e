"""Every picture of a file: of most the only one, of a TIFF or a PDF each page."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize import pdf, read_image

SUFFIXES = (*read_image.SUFFIXES, pdf.SUFFIX)


@dataclass(frozen=True)
class Picture:
    """One picture of a file.

    Args:
        path: The file.
        page: Which of its pages; 1 the first.
        frame: Where that page is in the file, from 0: a TIFF may hold smaller copies between.
        of_pages: How many pages the file has.

    Example:
        >>> str(Picture(Path("a/scan.pdf"), 2, 1)), Picture(Path("a/scan.pdf"), 2, 1).stem
        ('a/scan.pdf, page 2', 'scan-2')
    """

    path: Path
    page: int = 1
    frame: int = 0
    of_pages: int = 1

    @property
    def where(self) -> str:
        """The file, and which of its pages, the first too where there are more."""
        return str(self.path) if self.of_pages == 1 else f"{self.path}, page {self.page}"

    def __str__(self) -> str:
        return str(self.path) if self.page == 1 else f"{self.path}, page {self.page}"

    @property
    def stem(self) -> str:
        """The file's name, and from the second page on its number."""
        return self.path.stem if self.page == 1 else f"{self.path.stem}-{self.page}"

    def read(self) -> NDArray[np.uint8]:
        """The picture, uint8 (H, W, 3), RGB.

        Raises:
            DigitizeError: It cannot be read.
        """
        if self.path.suffix.lower() == pdf.SUFFIX:
            return pdf.render_page(self.path, self.frame)
        return read_image.read_image(self.path, self.frame)


def pictures(path: Path) -> Iterator[Picture]:
    """The pictures of a file, none of them decoded yet.

    Raises:
        DigitizeError: It is a TIFF or a PDF, and cannot be opened.
    """
    frames = (
        list(range(pdf.n_pages(path)))
        if path.suffix.lower() == pdf.SUFFIX
        else read_image.frames(path)
    )
    for page, frame in enumerate(frames, 1):
        yield Picture(path, page, frame, len(frames))


def count_pictures(files: Collection[Path]) -> int | None:
    """How many pictures the files hold; None where only opening them would tell."""
    several = (*read_image.SEVERAL, pdf.SUFFIX)
    return None if any(path.suffix.lower() in several for path in files) else len(files)
