"""The numbers of binarization, with their units and where they come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InkDials:
    """What counts as ink. A *share* is of the darkness of full ink, unless another whole is named.

    `benchmarks/fit_traces.py` prints the score as each is halved and doubled. Without a source, a
    value was set by hand when binarization was written, and no measurement of it is kept. Of the
    sets there, none depends on the first two dials, on `black`, `faintest` and `rest_length_mm`:
    they are for pictures without a scale, black borders, paper without ink, and a flat trace along
    a major line.

    Args:
        stroke_mm: Usual thickness of a trace; gives the scale of a picture without one …
        guessed_px_per_mm: … between these two, and the third where no stroke is found.
        paper_within_mm: Paper shows so near to any ink, also in a small box of a dark grid.
        black: Gray level of paper; where it is darker, there is no paper.
        level_reach_mm: The darkness of full ink is a median over so much to both sides of a column.
        faintest: Share of the light that a trace takes away at the least.
        strong: Share from which a pixel surely is ink.
        weak: Share from which it may be, on clean paper; on other paper …
        noise_percentile: … this percentile of the paper's own shares, …
        noise_factor: … times this.
        least_sure: Share of a piece's pixels that must surely be ink.
        speck_mm2: Area of a piece under which it is a speck.
        least_full: Darkness of full ink over the grid, as a share of that over paper, at the least.
        other_than_ink: Share under which a pixel is paper or a line; of those …
        line_percentile: … this percentile is the lines' darkness.
        grid_matters: Share of a line's darkness from which lines are modelled. On darker grids
            pale strokes are not raised to full ink, which drew the rests of lines: classical on
            real scans 12.8 dB instead of 9.8 in the median (`benchmarks/scans.py`).
        bins_per_mm: How finely the darkness within a big box is kept.
        beside_line_mm: Distance of a pixel from the lines of the other family, to be counted.
        fold_quantile: Of the pixels at one place of all boxes: ink covers few of them. The median
            gains on drawn leads that overlap (`benchmarks/fit_traces.py`), but loses on three real
            scans: 15.9 to 15.0 dB (`benchmarks/scans.py`), one lead 20 to 7.
        families_alike: A line is at most so many times as dark as the other family's at its place
            of a big box, if that is darker than what a share of 1 − `fold_quantile` of its own
            pixels reach. Without this bound, crops of one or two boxes lose a level trace that
            lies along a line: classical, 120 drawn leads that overlap (PTB-XL fold 9), 21.0 dB
            in the median instead of 28.2; 1.0 instead of 1.3 changes it by 0.1.
        alike_within_mm: The other family's place is sought so near: a grid's phase is not exact.
        rest_on_line_mm: A pixel is on a major line within this distance. A piece is the line's
            rest if …
        rest_on_line: … at least this share of its pixels is on it, …
        rest_width_mm: … it is thinner than this, …
        rest_length_mm: … and shorter than this: a level trace along a line is longer.
        pale_reach_mm: The edge of a stroke and its fullest ink are at most so far apart. Real
            thermal prints draw the QRS at 0.25 to 0.5 of the darkness of full ink; with its
            fullest ink taken as full, generated scans of a pen that pales, with a perfect map,
            give 17.8 dB instead of 16.8 in the median.
        spike_width_mm: A pale piece is a fast pen's two flanks if it is wider than this, as rests
            of lines are thinner, …
        spike_slender: … its height is more widths than this, …
        spike_share: … and its mean share is higher than this. Of 16 real crops, three have R waves
            again that were lost; 39 real leads with truth score the same.
    """

    stroke_mm: float = 0.35
    guessed_px_per_mm: tuple[float, float, float] = (4.0, 24.0, 8.0)
    paper_within_mm: float = 3.0
    black: float = 16.0
    level_reach_mm: float = 10.0
    faintest: float = 0.06
    strong: float = 0.6
    weak: float = 0.2
    noise_percentile: float = 98.0
    noise_factor: float = 1.5
    least_sure: float = 0.15
    speck_mm2: float = 0.25
    least_full: float = 0.25
    other_than_ink: float = 0.75
    line_percentile: float = 92.0
    grid_matters: float = 0.2
    bins_per_mm: int = 12
    beside_line_mm: float = 0.25
    fold_quantile: float = 0.75
    families_alike: float = 1.3
    alike_within_mm: float = 0.16
    rest_on_line_mm: float = 0.35
    rest_on_line: float = 0.85
    rest_width_mm: float = 0.8
    rest_length_mm: float = 30.0
    pale_reach_mm: float = 0.25
    spike_width_mm: float = 0.7
    spike_slender: float = 3.0
    spike_share: float = 0.33


DIALS = InkDials()
