"""Every picture of a file: pages of a TIFF and of a PDF, the first of everything else."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from ecg_overlap.digitize import pdf
from ecg_overlap.digitize.documents import Picture, count_pictures, pictures
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.read_image import HAS_HEIC

SHADES = (40, 90, 140)


def shaded(shade: int, size: tuple[int, int] = (120, 80)) -> Image.Image:
    """White with a square of a shade, by which a page is known again."""
    page = Image.new("RGB", size, (255, 255, 255))
    page.paste((shade, shade, shade), (10, 10, 60, 60))
    return page


def shades(path: Path) -> list[int]:
    found = [picture.read() for picture in pictures(path)]
    return [int(np.median(image[20:50, 20:50])) for image in found]


def minimal_pdf(*, pages: int = 1, size: str = "595 842", extra: str = "") -> bytes:
    """A PDF of lines, whose page tree names one page many times; without its table of objects."""
    content = b"2 w 50 50 m 400 700 l S"
    kids = " ".join(["4 0 R"] * pages)
    return b"\n".join(
        [
            b"%PDF-1.4",
            b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj",
            f"2 0 obj<</Type/Pages/Kids[{kids}]/Count {pages}>>endobj".encode(),
            b"4 0 obj<</Type/Page/Parent 2 0 R/Contents 5 0 R/MediaBox[0 0 "
            + f"{size}]>>endobj".encode(),
            b"5 0 obj<</Length %d>>stream" % len(content),
            content,
            b"endstream endobj",
            extra.encode(),
            b"trailer<</Root 1 0 R/Size 7" + (b"/Encrypt 6 0 R" if extra else b"") + b""
            b"/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]>>",
            b"startxref\n0\n%%EOF\n",
        ]
    )


@pytest.mark.parametrize("suffix", ["tif", "tiff", "pdf"])
def test_every_page_of_a_document_is_a_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scan.{suffix}"
    first, *others = map(shaded, SHADES)
    first.save(path, save_all=True, append_images=others)
    assert [(p.stem, p.page) for p in pictures(path)] == [("scan", 1), ("scan-2", 2), ("scan-3", 3)]
    where = [picture.where for picture in pictures(path)]
    assert where == [f"{path}, page {page}" for page in (1, 2, 3)]
    assert shades(path) == pytest.approx(SHADES, abs=9)
    assert count_pictures([path]) is None and count_pictures([Path("a.png")]) == 1


def test_a_smaller_copy_in_a_tiff_is_no_page(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    copy = shaded(SHADES[1], (60, 40))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    pages = [shaded(SHADES[0]), copy, shaded(SHADES[2])]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with Image.open(path) as made:
        made.seek(1)
        assert made.tag_v2.get(254) == 1
    assert [p.stem for p in pictures(path)] == ["scan", "scan-2"]
    assert shades(path) == [SHADES[0], SHADES[2]]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_of_an_animation_the_first_picture_is_taken(tmp_path: Path, suffix: str) -> None:
    if suffix == "webp" and not features.check("webp"):
        pytest.skip("Pillow without WebP")
    path = tmp_path / f"a.{suffix}"
    first, *others = map(shaded, SHADES)
    first.save(path, save_all=True, append_images=others)
    assert shades(path) == pytest.approx([SHADES[0]], abs=4)


def test_heic_is_read_with_its_extra_or_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "phone.heic"
    if HAS_HEIC:
        import pillow_heif

        pillow_heif.register_heif_opener()
        shaded(SHADES[0]).save(path, quality=90)
        assert shades(path) == pytest.approx([SHADES[0]], abs=4)
    path.write_bytes(b"")
    monkeypatch.setattr("ecg_overlap.digitize.read_image.HAS_HEIC", False)
    with pytest.raises(DigitizeError, match=r"phone\.heic: .*pip install 'ecg-overlap\[heic\]'"):
        Picture(path).read()


def test_a_pdf_of_lines_is_drawn_at_8_px_per_mm(tmp_path: Path) -> None:
    path = tmp_path / "a4.pdf"
    path.write_bytes(minimal_pdf())
    (page,) = pictures(path)
    height, width, channels = page.read().shape
    assert channels == 3
    assert (width / 210, height / 297) == pytest.approx((8, 8), rel=0.005)


@pytest.mark.parametrize(
    ("scan_dpi", "wanted_dpi"), [(100, 203.2), (300, 300), (20, 20)],
    ids=["at least 8 px/mm", "as fine as the scan", "a photo whose page is pixels"],
)  # fmt: skip
def test_a_scan_in_a_pdf_keeps_its_pixels(tmp_path: Path, scan_dpi: int, wanted_dpi: float) -> None:
    path = tmp_path / "scan.pdf"
    shaded(SHADES[0], (600, 400)).save(path, resolution=scan_dpi)
    (page,) = pictures(path)
    assert page.read().shape[1] == pytest.approx(600 * wanted_dpi / scan_dpi, abs=2)


def test_a_huge_page_is_drawn_at_what_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PIXELS", 1_000_000)
    path = tmp_path / "roll.pdf"
    path.write_bytes(minimal_pdf(size="14400 600"))
    (page,) = pictures(path)
    height, width = page.read().shape[:2]
    assert 900_000 < height * width <= 1_000_000


def test_a_long_pdf_is_opened_at_once_and_read_page_by_page(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(minimal_pdf(pages=300))
    pages = list(pictures(path))
    assert len(pages) == 300 and pages[299].stem == "long-300"
    assert pages[299].read().min() < 100


def test_an_encrypted_pdf_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "secret.pdf"
    locked = f"6 0 obj<</Filter/Standard/V 1/R 2/P -4/O<{'ab' * 32}>/U<{'cd' * 32}>>>endobj"
    path.write_bytes(minimal_pdf(extra=locked))
    with pytest.raises(DigitizeError, match=r"secret\.pdf: is encrypted; save it without"):
        list(pictures(path))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"once upon a time"])
def test_what_is_no_pdf_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.pdf"
    path.write_bytes(content)
    with pytest.raises(DigitizeError, match=r"bad\.pdf: is no PDF that could be read"):
        list(pictures(path))


@pytest.mark.parametrize("suffix", ["tif", "pdf", "webp", "gif"])
def test_documents_cut_short_anywhere_raise_nothing_else(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    whole = io.BytesIO()
    kind = {"tif": "TIFF"}.get(suffix, suffix.upper())
    more = {"save_all": True, "append_images": [shaded(9)]} if suffix != "webp" else {}
    Image.fromarray(noise).save(whole, kind, **more)
    path = tmp_path / f"cut.{suffix}"
    failed = 0
    for part in range(8):
        path.write_bytes(whole.getvalue()[: len(whole.getvalue()) * part // 8])
        try:
            for picture in pictures(path):
                picture.read()
        except DigitizeError as error:
            failed += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert failed >= 4


def test_a_blank_page_names_the_page(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    shaded(50).save(path, save_all=True, append_images=[Image.new("RGB", (120, 80), "white")])
    with pytest.raises(DigitizeError, match=r"a\.pdf, page 2: is blank"):
        list(pictures(path))[1].read()
