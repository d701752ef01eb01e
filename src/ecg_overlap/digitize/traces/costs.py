"""What speaks against an explanation of a picture's ink by its traces, in one unit of cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TraceCosts:
    """The numbers of the search for all traces. "per mm" is along the paper unless it says rows.

    They were set by hand on drawn leads of PTB-XL's fold 9; `benchmarks/fit_traces.py` prints what
    each does there when it is halved and doubled.

    Args:
        blank_per_mm: A bridge over blank paper.
        leap_per_mm: Rows without ink between two runs that follow each other, …
        most_leap_mm: … at most so many: a fast pen's flank comes in pieces.
        most_jump_mm: So many rows at most may be between where one lead ends and the next goes on,
            in a row of several leads; 0 where a trace is one lead. It costs as much as to leave, to
            begin, and the leap.
        reach_mm: A bridge's greatest length; a longer gap is an absence.
        bridges: How many bridges lead from an end of ink, the cheapest first.
        absent_per_mm: A trace that is in the picture, but nowhere in its ink.
        surely_present: Share of the columns with ink at a row from which absence costs all of that;
            what is at its row in fewer may be the rest of a line, and may be absent for less.
        leave: To end in the middle of the picture, or to begin there.
        outside_per_mm: A trace beyond the picture's upper or lower edge, with what its row costs.
        cross_edge: To leave the picture over an edge, or to come in.
        edge_per_mm: For a trace that comes to the edge and goes back: no stroke turns just there,
            so all of this ink is another's too, which goes over the edge.
        shared_per_mm: A run that explains another trace already, less as it is taller: one that is
            tall enough for both costs nothing.
        unexplained_per_mm: A run of ink that no trace goes through: a part is the same for all
            runs, …
        tall_share: … and this share grows as the logarithm of the height in strokes.
        peak_share: For each stroke that it is taller than a letter, `unexplained_per_mm` times this
            more: a peak that is left over is worth a way through blank paper.
        peak_strokes: Height of a letter, in strokes.
        letter_per_mm: A run that is a printed letter's, which no trace need explain (`letters`).
        off_row: Per mm, at a distance d from the trace's row: `off_row` · log(1 + d/`off_row_mm`),
            so that one trace far away is cheaper than two half as far: a peak is one trace's.
        off_row_mm: Likewise.
        most_off_row_mm: No farther from its row than that: 6 mV at 10 mm/mV, more than any lead
            swings. Speckles so far away were cheaper than to be absent.
        turn: For leaving the run's own direction by d: `turn` · log(1 + d / `turn_mm`).
        turn_mm: Likewise; (1 + a/`along_mm`)² times as much after a mm in a run with other traces,
            in which the direction is not seen: a curve leaves its tangent with the square.
        along_mm: Likewise.
        slope_mm: The direction is a mean over so much of the trace.
        unlikely_per_mm: With a network's map of the trace: log(its likeliest row / this run), …
        most_unlikely: … at most this, as a map says little of how improbable a run is.
        sure: Highest probability of a column from which the map counts in full.
        hopeless: An explanation that costs so much more than the best is given up.
        beam: So many explanations at most are followed at the same time.
        together: So many traces at most are searched for at the same time; of more, each among
            its neighbours.
    """

    blank_per_mm: float = 8.0
    leap_per_mm: float = 3.0
    most_leap_mm: float = 2.0
    most_jump_mm: float = 0.0
    reach_mm: float = 8.0
    bridges: int = 3
    absent_per_mm: float = 12.0
    surely_present: float = 0.6
    leave: float = 4.0
    outside_per_mm: float = 3.0
    cross_edge: float = 0.5
    edge_per_mm: float = 6.0
    shared_per_mm: float = 16.0
    unexplained_per_mm: float = 2.5
    tall_share: float = 0.3
    peak_share: float = 0.3
    peak_strokes: float = 8.0
    letter_per_mm: float = 1.5
    off_row: float = 1.2
    off_row_mm: float = 2.0
    most_off_row_mm: float = 60.0
    turn: float = 2.0
    turn_mm: float = 0.3
    along_mm: float = 0.5
    slope_mm: float = 0.5
    unlikely_per_mm: float = 6.0
    most_unlikely: float = 3.0
    sure: float = 0.5
    hopeless: float = 150.0
    beam: int = 32
    together: int = 4


COSTS = TraceCosts()
