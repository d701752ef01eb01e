"""Test sets of whole pages: generated ones, ecg-image-kit's, and scans of known records."""

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from data_gen import presets
from data_gen.errors import InputError
from data_gen.formats.ecg_image_kit import EcgImageKit
from data_gen.formats.files import read_json
from data_gen.formats.page_shards import FORMAT, PageShards
from data_gen.formats.tars import MANIFEST
from data_gen.generate import LeadGenerator
from data_gen.layout import LAYOUTS
from data_gen.overlap import OverlapDials
from data_gen.sample import LEADS, Page, Record
from data_gen.signals import SignalSource
from data_gen.signals.wfdb_header import BadRecordError
from data_gen.signals.wfdb_read import read_signal
from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.evaluation.pages import TruePage, printed_record, true_page
from ecg_overlap.evaluation.results import PAGES
from ecg_overlap.evaluation.test_sets import TestSet, listing, spread

MAPPING = "mapping.csv"
SCANNED = "3x4+1R"  # where the mapping does not say
# How often a layout is drawn: what cardiographs print as they are delivered most, the rest rarer.
WEIGHTS = {
    "3x4+1R": 10, "3x4": 3, "3x4+3R": 2, "6x2": 2, "6x2+1R": 1, "12x1": 2,
    "3x4+2R": 0.25, "4x3": 0.25, "3x4+1R (Cabrera)": 0.25, "6x2 (Cabrera)": 0.25,
}  # fmt: skip
_LAYOUT_STREAM = 3  # apart from the page's own streams
_LONG = 10  # rows from which a page is as long as they need: landscape A4 has no room for them


@runtime_checkable
class PageSet(Protocol):
    """What the evaluation needs of a set of pages; picklable, so that workers can open it."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def note(self) -> str: ...
    def __len__(self) -> int: ...
    def page(self, index: int) -> TruePage: ...
    def sample_id(self, index: int) -> str: ...
    def identity(self) -> str:
        """A text that changes when the pages do, at no more cost than listing files."""


AnySet = TestSet | PageSet


@dataclass(frozen=True)
class DrawnPages:
    """Generated pages 0 … n − 1 of one seed, each of a layout drawn by its weight.

    Args:
        name: In the results.
        generators: One for each layout.
        weights: How often a layout is drawn.
        n: How many pages.
        seed: Of the generator.
        split: Whose records are drawn.
        note: What a reader must know of it.
    """

    name: str
    generators: Mapping[str, LeadGenerator]
    weights: Mapping[str, float]
    n: int
    seed: int = 0
    split: str = "test"
    note: str = ""

    kind = PAGES

    def __len__(self) -> int:
        return self.n

    def drawn(self, index: int) -> Page:
        """A page with all its truths; the same of the index, whatever was drawn before."""
        names = list(self.generators)
        weights = np.array([self.weights[name] for name in names], float)
        rng = np.random.default_rng([self.seed, index, _LAYOUT_STREAM])
        layout = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        return self.generators[layout].page(index, seed=self.seed, split=self.split)

    def page(self, index: int) -> TruePage:
        return true_page(self.drawn(index))

    def sample_id(self, index: int) -> str:
        return f"{self.name}/{index:05d}"

    def identity(self) -> str:
        dials = [(k, g.signals, g.look, g.overlap) for k, g in self.generators.items()]
        return repr((dials, dict(self.weights), self.n, self.seed, self.split))


def drawn_pages(
    preset: str,
    signals: SignalSource,
    *,
    n: int,
    seed: int = 0,
    name: str = "",
    split: str = "test",
    weights: Mapping[str, float] | None = None,
    overlap: OverlapDials | None = None,
    dpi: tuple[float, float] | None = None,
) -> DrawnPages:
    """Pages that look as a file of `conf/page` says, at 25 mm/s and 10 mm/mV.

    Other speeds and gains are rare on paper and nothing but a line of text may tell them: who
    measures whether they are read draws such pages by `generate.py`.

    Args:
        preset: Of `conf/page`: clean, scan, photo.
        signals: Where the records come from.
        n: How many pages.
        seed: Of the generator.
        name: In the results; pages_PRESET unless given.
        split: Whose records are drawn.
        weights: How often each layout is drawn; of `WEIGHTS` unless given.
        overlap: How the rows stand; of `conf/overlap/page.yaml` unless given.
        dpi: Resolution, unless the preset's own.

    Raises:
        InputError: No such preset or layout, or n < 1.
    """
    spread(n, None, where=name or f"pages_{preset}")
    look = presets.load_part("page", preset)
    look = replace(look, mm_per_s=(25.0,), mm_per_mv=(10.0,), dpi=dpi or look.dpi)
    rows = overlap or presets.load_part("overlap", "page")
    crop = presets.load_part("crop", "box")
    weights = weights or WEIGHTS
    generators = {}
    for layout in weights:
        own = replace(look, layout=(layout,))
        if len(LAYOUTS[layout].rows) >= _LONG:
            own = replace(own, paper=("roll",))
        generators[layout] = LeadGenerator(signals, own, rows, crop)
    return DrawnPages(name or f"pages_{preset}", generators, weights, n, seed, split)


@dataclass(frozen=True)
class PageFolder:
    """Pages that lie on disk: those of ecg-image-kit, or of generate.py's format `pages`.

    Args:
        name: In the results.
        root: The folder.
        names: Of the chosen pages.
        reader: Index to page.
        chosen: Which of its pages.
        note: What a reader must know of it.
    """

    name: str
    root: str
    names: tuple[str, ...]
    reader: Callable[[int], Page]
    chosen: tuple[int, ...]
    note: str = ""

    kind = PAGES

    def __len__(self) -> int:
        return len(self.chosen)

    def page(self, index: int) -> TruePage:
        page = self.reader(self.chosen[index])
        return true_page(page, layout=layout_of(page))

    def sample_id(self, index: int) -> str:
        return f"{self.name}/{self.names[index]}"

    def identity(self) -> str:
        return json.dumps(["folder", self.root, self.chosen, list(listing(Path(self.root)))])


def layout_of(page: Page) -> str:
    """The name of the layout whose rows are those of a page; what the page says where none is."""
    rows: dict[int, list[tuple[float, str]]] = {}
    for trace in page.traces:
        rows.setdefault(trace.row, []).append((trace.calibration.t0_px, trace.lead_name))
    found = tuple(tuple(name for _, name in sorted(rows[row])) for row in sorted(rows))
    return next((n for n, layout in LAYOUTS.items() if layout.rows == found), page.layout)


@dataclass(frozen=True)
class Scans:
    """Scans and photos of known records, as `mapping.csv` lists them.

    Its columns are image, record (below the folder, `RECORD_lr` being what was printed where it
    is there) and, where it is another than 3x4+1R, layout: a text that begins with its name.

    Args:
        name: In the results.
        root: The folder.
        rows: (image, record, layout) of the chosen scans.
        note: What a reader must know of it.
    """

    name: str
    root: str
    rows: tuple[tuple[str, str, str], ...]
    note: str = ""

    kind = PAGES

    def __len__(self) -> int:
        return len(self.rows)

    def page(self, index: int) -> TruePage:
        image, record, layout = self.rows[index]
        folder = Path(self.root)
        tried = (f"{record}_lr", record, f"{record}_hr")
        header = next((h for n in tried if (h := folder / f"{n}.hea").is_file()), None)
        if header is None:
            raise InputError(folder / MAPPING, f"no record {record}", "put its .hea and .dat there")
        try:
            signal_mv, fs_hz = read_signal(header, min_duration_s=1.0, duration_s=10.0, where=0.0)
        except BadRecordError as error:
            raise InputError(header, str(error), "replace the record") from None
        printed = Record(signal_mv, fs_hz, LEADS, record)
        return printed_record(read_image(folder / image), printed, layout)

    def sample_id(self, index: int) -> str:
        return f"{self.name}/{Path(self.rows[index][0]).stem}"

    def identity(self) -> str:
        return json.dumps(["scans", self.root, self.rows, list(listing(Path(self.root)))])


def pages(root: str | Path, *, name: str = "pages", n: int | None = None) -> PageSet:
    """A folder of pages: scans with `mapping.csv`, or what ecg-image-kit or generate.py wrote.

    Args:
        root: The folder.
        name: In the results.
        n: Only so many, at even distances over the whole.

    Raises:
        InputError: No such folder, no page in it, a mapping without the columns, or n < 1.
    """
    mapping = Path(root) / MAPPING
    if mapping.is_file():
        rows = _mapping(mapping)
        return Scans(name, str(root), tuple(rows[k] for k in spread(len(rows), n, where=name)))
    if _is_in_shards(Path(root)):
        shards = PageShards(root)
        chosen = spread(len(shards), n, where=name)
        names = tuple(f"{k:05d}" for k in chosen)
        return PageFolder(name, str(root), names, shards.__getitem__, chosen)
    kit = EcgImageKit(root)
    chosen = spread(len(kit.pages), n, where=name)
    names = tuple(kit.pages[k].stem for k in chosen)
    return PageFolder(name, str(root), names, kit.page, chosen)


def _is_in_shards(root: Path) -> bool:
    manifest = read_json(root / MANIFEST) if (root / MANIFEST).is_file() else None
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def _mapping(path: Path) -> list[tuple[str, str, str]]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except UnicodeDecodeError:
        raise InputError(path, "is not text in UTF-8", "save it as CSV in UTF-8") from None
    found = []
    for row in rows:
        image, record = row.get("image"), row.get("record")
        if not image or not record:
            raise InputError(path, "a row without image or record", "give both columns")
        found.append((image, record, _layout_in(row.get("layout") or SCANNED, path)))
    return found


def _layout_in(text: str, path: Path) -> str:
    """The layout whose name a text begins with: of "6x2 (Cabrera), 25 mm/s" not "6x2"."""
    # Without those of any leads: they do not say which.
    known = [name for name, layout in LAYOUTS.items() if not layout.any_lead]
    begun = [name for name in known if re.match(rf"\s*{re.escape(name)}(?![\w+])", text)]
    if not begun:
        remedy = f"begin with one of {', '.join(known)}"
        raise InputError(path, f"layout {text!r} is not known", remedy)
    return max(begun, key=len)
