"""Which lead stands where: from what simultaneous leads obey, and from names."""

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.sample import LEADS
from ecg_overlap.digitize.page.arrangements import (
    KNOWN,
    Arrangement,
    arrangement_named,
    with_rows,
)
from ecg_overlap.digitize.page.columns import Place, places
from ecg_overlap.digitize.page.laws import contradiction, disagreement, in_independent
from ecg_overlap.digitize.page.layouts import Fit, Rows, fits_of

FloatArray = NDArray[np.float64]
PER_MM = 4.0
START_MM, FULL_MM = 12.0, 250.0
NO_LAW = ("6x1 (chest)",)  # of it alone, no law speaks


def heart(seed: int = 0) -> dict[str, FloatArray]:
    """Twelve leads of 10 s at 100 samples a second that obey Einthoven and Goldberger."""
    rng = np.random.default_rng(seed)
    t = np.arange(0, FULL_MM, 1 / PER_MM)
    independent = np.zeros((8, len(t)))
    for beat in np.arange(6, 250, 19.0):
        for _ in range(5):
            at, width = beat + rng.uniform(-1, 1), rng.uniform(0.5, 2)
            independent += rng.normal(size=(8, 1)) * np.exp(-(((t - at) / width) ** 2))
    return dict(zip(LEADS, in_independent(LEADS) @ independent, strict=True))


def printed(arrangement: Arrangement, leads: dict[str, FloatArray], *, gap_mm: float = 0.0) -> Rows:
    """The arrangement's rows, from `START_MM` on."""
    n = arrangement.n_columns
    width = FULL_MM / n
    length = round((START_MM * 2 + FULL_MM + (n - 1) * gap_mm) * PER_MM)
    signals = np.full((len(arrangement.rows), length), np.nan)
    another = sum(leads.values()) * np.linspace(0, 1, round(FULL_MM * PER_MM))  # of the heart too
    for r, row in enumerate(arrangement.rows):
        for c, name in enumerate(row):
            span = n if len(row) < n else 1
            lead = leads.get(name.removeprefix("-"), another) * (-1 if name.startswith("-") else 1)
            part = lead[round(c * width * PER_MM) : round((c + span) * width * PER_MM)]
            at = round((START_MM + c * (width + gap_mm)) * PER_MM)
            signals[r, at : at + len(part)] = part
    noise = np.random.default_rng(1).normal(scale=0.02, size=signals.shape)
    return Rows(signals + noise, np.isfinite(signals).astype(float), PER_MM)


def read(rows: Rows, names: dict[tuple[int, int], str] | None = None) -> list[Fit]:
    n_rows, length = rows.signals_mv.shape
    ends = (START_MM, length / PER_MM - START_MM)

    def places_for(n: int, near: Place | None) -> list[Place]:
        return places(ends, n, mm_per_s=25, near=near)

    def names_at(columns: FloatArray) -> FloatArray:
        odds = np.zeros((n_rows, len(columns), len(LEADS)))
        for (r, c), name in (names or {}).items():
            if c < len(columns):
                odds[r, c] = -2.0
                odds[r, c, LEADS.index(name)] = 4.0
        return odds

    return fits_of(with_rows(n_rows), rows, places_for, names_at, lambda place, n: (place, 0.0))


@pytest.mark.parametrize("name", [n for n in KNOWN if n not in NO_LAW and not n.startswith("4x3")])
def test_simultaneous_leads_alone_tell_the_layout(name: str) -> None:
    best = read(printed(KNOWN[name], heart()))[0]
    assert best.arrangement.name == name
    assert best.arrangement.rows == KNOWN[name].rows


def test_a_rhythm_strip_gets_the_name_of_the_lead_that_it_repeats() -> None:
    page = Arrangement("3x4+1R", (*KNOWN["3x4"].rows, ("V3",)))
    assert read(printed(page, heart()))[0].arrangement.rows == page.rows


@pytest.mark.parametrize(("share", "name"), [(0.52, "II"), (0.6, "V5")])
def test_a_strip_that_is_about_as_like_two_leads_is_the_usual_one(share: float, name: str) -> None:
    leads = heart()
    leads["V3"] = (1 - share) * leads["II"] + share * leads["V5"]  # as a strip that is misread
    strip = printed(Arrangement("3x4+1R", (*KNOWN["3x4"].rows, ("V3",))), leads)
    page = printed(KNOWN["3x4+1R"], heart())
    signals = np.concatenate([page.signals_mv[:3], strip.signals_mv[3:]])
    assert read(Rows(signals, page.goes_on, PER_MM))[0].arrangement.rows[3] == (name,)


def test_columns_are_placed_with_their_gaps() -> None:
    best = read(printed(KNOWN["3x4"], heart(), gap_mm=1.5))[0]
    assert best.place.start == pytest.approx(START_MM, abs=0.3)
    assert best.place.gap == pytest.approx(1.5, abs=0.3)
    assert best.columns_mm[3, 0] == pytest.approx(START_MM + 3 * (62.5 + 1.5), abs=0.6)


def test_names_decide_where_no_law_speaks() -> None:
    chest = Arrangement("2x1", (("V4",), ("V5",)))
    rows = printed(chest, heart())
    assert read(rows, {(0, 0): "V4", (1, 0): "V5"})[0].arrangement.rows == chest.rows
    assert (
        read(rows, {(0, 0): "V4"})[0].arrangement.rows == chest.rows
    )  # the next of the usual order


def test_a_row_without_a_trace_does_not_hide_the_others() -> None:
    rows = printed(KNOWN["3x4+1R"], heart())
    rows.signals_mv[1] = np.nan
    assert read(rows)[0].arrangement.name == "3x4+1R"


def test_twelve_leads_are_linear_in_eight() -> None:
    leads = heart()
    assert round(float(np.trace(contradiction(LEADS)))) == 4
    assert disagreement(np.cov(np.stack([leads[n] for n in LEADS]))[None], LEADS)[0][0] < 1e-9
    names = ("I", "III", "II")  # two of them swapped
    against, laws = disagreement(
        np.cov(np.stack([leads[n] for n in ("I", "II", "III")]))[None], names
    )
    assert (laws, against > 0.2) == (1, True)
    assert disagreement(np.eye(2)[None], ("V1", "V2")) == (np.ones(1), 0)


def test_a_page_that_holds_nearly_ten_seconds_holds_ten() -> None:
    for place in places((12.0, 260.0), 4, mm_per_s=25):
        assert place.width * 4 == pytest.approx(250)


def test_a_wrong_end_of_the_ink_is_left_open() -> None:
    found = places((12.0, 300.0), 4, mm_per_s=25)
    assert {round(place.width * 4) for place in found} >= {250, 288}
    assert any(abs(place.start - 50) < 0.1 and place.width == 62.5 for place in found)


def test_an_unknown_layout_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"layout '5x5'.*3x4\+1R"):
        arrangement_named("5x5")


def test_no_law_names_three_rows_or_six_chest_leads() -> None:
    """Without names it is not known which they are, whatever they obey by chance."""
    leads = heart()
    three = Arrangement("3x1", (("I",), ("II",), ("III",)))
    assert all(fit.by_laws <= 0 for fit in read(printed(three, leads)) if fit.arrangement.takes_any)
    chest = read(printed(KNOWN["6x1 (chest)"], leads))
    assert all(fit.by_laws <= 0 for fit in chest if fit.arrangement.name == "6x1 (chest)")
