"""What simultaneous leads say of one: by law, and as a heart is nearly a dipole."""

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.page.page_signal import Source, Strip
from ecg_overlap.digitize.page.simultaneous import OBEYED_DB, explained, obeyed_db

FS_HZ = 100.0
T_S = np.arange(250) / FS_HZ
DIPOLE = np.stack([np.sin(2 * np.pi * f * T_S + f) for f in (1.2, 2.6, 5.0)])
NOISE = np.random.default_rng(0).normal(size=250)

FloatArray = NDArray[np.float64]


def strip(name: str, mv: FloatArray, *, start_s: float = 0.0, rhythm: bool = False) -> Strip:
    signal = LeadSignal(mv, FS_HZ, Calibration(4.0, 4.0), np.ones_like(mv), mv * 0, False)
    return Strip(name, Source.READ, 0, 0, start_s, (0, 0, 1, 1), rhythm, signal)


OTHERS = [strip(name, DIPOLE[k]) for k, name in enumerate(("V1", "V2", "V3"))]


def test_a_sum_of_the_others_is_explained_wherever_its_0_mv_is() -> None:
    lead = strip("V4", DIPOLE.T @ np.array([0.5, -1.0, 2.0]) + 0.7 + 0.2 * T_S)
    assert explained(lead, [*OTHERS, lead]) == pytest.approx(1.0)


def test_what_is_no_sum_of_the_others_is_the_rest() -> None:
    """Of a sum and noise of equal variance, a half."""
    own = DIPOLE[0] / DIPOLE[0].std() + NOISE / NOISE.std()
    assert explained(strip("V4", own), OTHERS) == pytest.approx(0.5, abs=0.05)


def test_a_lead_that_goes_over_to_another_is_explained_less() -> None:
    right = DIPOLE.T @ np.array([1.0, 0.5, -1.0])
    swapped = np.where(T_S < 1.25, right, DIPOLE.T @ np.array([-1.0, 1.0, 0.5]))
    found = [explained(strip("V4", mv), OTHERS) for mv in (right, swapped)]
    assert found[0] > 0.99
    assert found[1] < 0.6


def test_leads_of_another_time_and_the_same_lead_say_nothing() -> None:
    lead = strip("V4", DIPOLE[0])
    assert np.isnan(explained(lead, [lead, strip("V1", DIPOLE[0], start_s=2.5)]))
    assert np.isnan(explained(lead, [lead, strip("V4", DIPOLE[0])]))


def test_a_rhythm_strip_is_told_by_other_leads_in_each_column() -> None:
    """By the first component in the one, by another in the other, and by no lead for both."""
    long = strip("II", np.concatenate([DIPOLE[0], DIPOLE[1]]), rhythm=True)
    above = [strip("V1", 3 * DIPOLE[0]), strip("V2", -DIPOLE[1], start_s=2.5)]
    assert explained(long, [*above, long]) == pytest.approx(1.0)
    half = [above[0], strip("V2", NOISE, start_s=2.5)]
    assert 0.3 < explained(long, [*half, long]) < 0.7


def test_a_rhythm_strip_tells_of_what_stands_above_it() -> None:
    long = np.concatenate([NOISE, DIPOLE[0], NOISE])
    lead = strip("V4", 2 * DIPOLE[0], start_s=2.5)
    assert explained(lead, [strip("II", long, rhythm=True)]) == pytest.approx(1.0)


def test_what_was_not_seen_is_left_out_and_too_little_tells_nothing() -> None:
    for seen, known in ((150, True), (49, False)):
        mv = np.where(np.arange(250) < seen, 2 * DIPOLE[0], np.nan)
        found = explained(strip("V4", mv), OTHERS)
        assert np.isfinite(found) == known


FIRST, SECOND = DIPOLE[0], DIPOLE[1] + 0.5 * DIPOLE[2]
LIMBS = {
    "I": FIRST, "II": SECOND, "III": SECOND - FIRST,
    "aVR": -(FIRST + SECOND) / 2, "aVL": FIRST - SECOND / 2, "aVF": SECOND - FIRST / 2,
}  # fmt: skip


def limbs(*names: str, **wrong: FloatArray) -> dict[str, Strip]:
    """Limb leads that obey, but for what is added to some."""
    return {name: strip(name, LIMBS[name] + wrong.get(name, 0.0)) for name in names}


@pytest.mark.parametrize("names", [("I", "II", "III"), ("aVR", "aVL", "aVF"), tuple(LIMBS)])
def test_limb_leads_that_obey_leave_nothing_to_say(names: tuple[str, ...]) -> None:
    leads = limbs(*names)
    for lead in leads.values():
        assert obeyed_db(lead, list(leads.values())) == OBEYED_DB[1]


def test_an_error_is_measured_against_the_lead_itself() -> None:
    """Of three leads, one law: an error of a tenth of lead I's amplitude is 20 dB."""
    leads = limbs("I", "II", "III", I=0.1 * NOISE * FIRST.std() / NOISE.std())
    assert obeyed_db(leads["I"], list(leads.values())) == pytest.approx(20, abs=0.3)


def test_the_lead_that_is_wrong_obeys_less_than_the_others() -> None:
    """Of six, ten pairs give each: all contradict the wrong lead, four each of the others."""
    leads = limbs(*LIMBS, aVL=0.3 * NOISE)
    found = {name: obeyed_db(lead, list(leads.values())) for name, lead in leads.items()}
    assert min(found, key=lambda name: found[name]) == "aVL"
    assert sorted(found.values())[1] > found["aVL"] + 5


def test_what_two_leads_exchange_is_seen_by_a_rhythm_strip() -> None:
    """aVR + aVL + aVF stays 0, but either of the two contradicts II."""
    swap = np.where(T_S % 0.8 < 0.2, 1.0, 0.0) * (LIMBS["aVL"] - LIMBS["aVR"])
    column = list(limbs("aVR", "aVL", "aVF", aVR=swap, aVL=-swap).values())
    assert obeyed_db(column[0], column) == OBEYED_DB[1]
    long = strip("II", np.concatenate([LIMBS["II"], NOISE]), rhythm=True)
    for lead in column[:2]:
        assert obeyed_db(lead, [*column, long]) < 15


def test_a_rhythm_strip_is_what_its_lead_is_and_what_each_column_says() -> None:
    first = list(limbs("I", "II", "III").values())
    later = [strip(n, LIMBS[n], start_s=2.5) for n in ("aVR", "aVL", "aVF")]
    right = strip("II", np.concatenate([LIMBS["II"], LIMBS["II"]]), rhythm=True)
    wrong = strip("II", np.concatenate([LIMBS["II"], LIMBS["aVL"]]), rhythm=True)
    assert obeyed_db(right, [*first, *later, right]) == OBEYED_DB[1]
    assert obeyed_db(wrong, [*first, wrong]) == OBEYED_DB[1]
    assert obeyed_db(wrong, [*first, *later, wrong]) < 20


def test_of_chest_leads_no_law_speaks_but_that_one_printed_twice_is_itself() -> None:
    assert np.isnan(obeyed_db(OTHERS[0], [*OTHERS, *limbs("I", "II").values()]))
    twice = strip("V1", np.concatenate([DIPOLE[0], NOISE]), rhythm=True)
    assert obeyed_db(OTHERS[0], [*OTHERS, twice]) == OBEYED_DB[1]


def test_a_lead_without_any_swing_obeys_nothing() -> None:
    leads = limbs("II", "III")
    assert obeyed_db(strip("I", np.zeros(250)), list(leads.values())) == OBEYED_DB[0]
