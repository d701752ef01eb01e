"""Pictures of the worst, median and best samples: image, mask, recovered and true signal."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from data_gen.sample import LeadSample
from ecg_overlap.evaluation.choices import Choice, choose
from ecg_overlap.evaluation.methods import Method, Outcome
from ecg_overlap.evaluation.page_pictures import draw_page
from ecg_overlap.evaluation.page_sets import AnySet, PageSet
from ecg_overlap.evaluation.results import Results, write_text
from ecg_overlap.evaluation.scoring import placed_mv
from ecg_overlap.evaluation.sections_samples import PICTURES_FOLDER, PICTURES_INDEX
from ecg_overlap.evaluation.side_by_side import side_by_side

WIDTH_IN, SIGNAL_IN, DPI = 11.0, 1.8, 100
LONG = 5.0  # width over height from which image and mask stand one above the other
N_COLOURS = 128
RECOVERED, TRUE = "#d1243a", "#3b4148"


def draw_all(
    rows: pd.DataFrame,
    results: Results,
    methods: Sequence[Method],
    test_sets: Sequence[AnySet],
    out: Path,
    *,
    jobs: int = 1,
    progress: bool = False,
) -> None:
    """Draw the chosen samples of every set into `out/pictures`, with their captions.

    Args:
        rows: The per-sample table.
        results: Its scores, which tell the leading methods.
        methods: Those that were tried; each picture digitizes its sample again.
        test_sets: Where the samples come from.
        out: Folder of the evaluation.
        jobs: Processes; 1 does everything in this one.
        progress: Show a bar.
    """
    folder = out / PICTURES_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    by_set = {test_set.name: test_set for test_set in test_sets}
    by_name = {method.name: method for method in methods}
    pictures = [
        Picture(choice, by_name[choice.method].in_workers) for choice in choose(rows, results)
    ]
    here = Drawing(by_name, by_set, folder)
    leaving = {name: method for name, method in by_name.items() if method.in_workers}
    with (
        tqdm(total=len(pictures), disable=not progress, unit="picture", desc="pictures") as bar,
        side_by_side(here.draw, Drawing(leaving, by_set, folder).draw, jobs, bar) as do,
    ):
        do(pictures)
    entries = [picture.entry() for picture in pictures]
    write_text(folder / PICTURES_INDEX, json.dumps(entries, indent=1, ensure_ascii=False))


@dataclass(frozen=True)
class Picture:
    """A picture to be drawn.

    Args:
        choice: Of what.
        in_workers: Whether its method can read in another process.
    """

    choice: Choice
    in_workers: bool

    @property
    def file(self) -> str:
        chosen = self.choice
        return f"{chosen.test_set}-{chosen.rank}-{chosen.index:06d}.png"

    def entry(self) -> dict[str, str]:
        """Its line in the pictures' index."""
        chosen = self.choice
        return {
            "file": self.file,
            "test_set": chosen.test_set,
            "method": chosen.method,
            "rank": chosen.rank,
            "caption": chosen.caption,
        }


@dataclass(frozen=True)
class Drawing:
    """What a process needs to draw any of the pictures.

    Args:
        methods: By name.
        test_sets: By name.
        folder: Where the pictures go.
    """

    methods: dict[str, Method]
    test_sets: dict[str, AnySet]
    folder: Path

    def draw(self, picture: Picture) -> int:
        """Read the sample and draw it; returns the number of pictures."""
        chosen, path = picture.choice, self.folder / picture.file
        test_set, method = self.test_sets[chosen.test_set], self.methods[chosen.method]
        if isinstance(test_set, PageSet):
            draw_page(test_set.page(chosen.index), method, path)
        else:
            draw(sample := test_set.sample(chosen.index), _outcome(method, sample), path)
        return 1


def _outcome(method: Method, sample: LeadSample) -> Outcome:
    try:
        return method.digitize(sample)
    except Exception as error:  # it failed in the table too; draw it all the same
        return Outcome(None, reason=str(error))


def draw(sample: LeadSample, outcome: Outcome, path: Path) -> None:
    """One sample as PNG: image with the recovered path, mask, and both signals.

    Args:
        sample: With whatever truth it has.
        outcome: What the method made of it.
        path: The file.
    """
    has_mask = sample.target_mask is not None or outcome.mask is not None
    figure, image_axes, signal_axes = _panels(sample.image.shape, has_mask)
    # A faint picture, so that the path stands out on the ink that it follows.
    image_axes[0].imshow(255 - (255 - sample.image) // 2, interpolation="antialiased")
    lead = outcome.signal
    if lead is not None and len(lead.path_px):
        image_axes[0].plot(*lead.path_px.T, color=RECOVERED, linewidth=1.0)
    if has_mask:
        image_axes[1].imshow(_mask_picture(sample, outcome), interpolation="antialiased")
    height, width = sample.image.shape[:2]
    for axes in image_axes:
        axes.set_xlim(-0.5, width - 0.5)
        axes.set_ylim(height - 0.5, -0.5)
        axes.set_axis_off()
    _plot_signals(signal_axes, sample, outcome)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, format="png")
    # Few colours are drawn: a palette makes the file four times smaller.
    picture = Image.open(buffer).convert("RGB").quantize(N_COLOURS)
    picture.save(path, format="PNG", optimize=True)


def _panels(shape: tuple[int, ...], has_mask: bool) -> tuple[Figure, list[Axes], Axes]:
    """Axes for image and mask, side by side where the image is not long, and for the signals."""
    height, width = shape[:2]
    beside = has_mask and width < LONG * height
    picture_in = WIDTH_IN / (2 if beside else 1) * height / width
    heights = [picture_in, *([picture_in] * (has_mask and not beside)), SIGNAL_IN]
    figure = Figure(figsize=(WIDTH_IN, sum(heights) + 0.25), layout="constrained")
    grid = figure.add_gridspec(len(heights), 1 + beside, height_ratios=heights)
    places = [grid[0, 0]]
    if has_mask:
        places.append(grid[0, 1] if beside else grid[1, 0])
    return figure, [figure.add_subplot(at) for at in places], figure.add_subplot(grid[-1, :])


def _plot_signals(axes: Axes, sample: LeadSample, outcome: Outcome) -> None:
    """True signal and recovered one over time, means removed as in the scores."""
    lead = outcome.signal
    if sample.signal_mv is not None and sample.fs_hz is not None:
        true = sample.signal_mv - np.nanmean(sample.signal_mv)
        axes.plot(np.arange(len(true)) / sample.fs_hz, true, color=TRUE, linewidth=2.4, alpha=0.4)
    placed = placed_mv(lead, sample.calibration)
    if lead is not None and placed is not None and np.isfinite(placed).any():
        centred = placed - np.nanmean(placed)
        axes.plot(np.arange(len(placed)) / lead.fs_hz, centred, color=RECOVERED, linewidth=0.9)
    axes.margins(x=0.005)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.set_ylabel("mV, mean removed", fontsize=8)
    axes.set_xlabel("s", fontsize=8)


def _mask_picture(sample: LeadSample, outcome: Outcome) -> NDArray[np.uint8]:
    """Common pixels gray, found alone red, missed blue, on white; uint8 (H, W, 3).

    All of a refused sample is missed. Of a method that makes no mask, the true one is shown.
    """
    shape = sample.image.shape[:2]
    nothing = np.zeros(shape, bool)
    true = nothing if sample.target_mask is None else sample.target_mask >= 128
    if outcome.mask is not None:
        found = outcome.mask >= 128
    else:
        found = nothing if outcome.signal is None else true
    picture = np.full((*shape, 3), 255, np.uint8)
    picture[true & found] = (120, 126, 134)
    picture[found & ~true] = (209, 36, 58)
    picture[true & ~found] = (46, 134, 193)
    return picture
