"""How far simultaneous leads are from what must hold of them."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.page.consistency import LAWS, residuals
from ecg_overlap.digitize.page.page_signal import Residual, Source, Strip

FS_HZ = 100.0
LIMBS = ("I", "II", "III", "aVR", "aVL", "aVF")

FloatArray = NDArray[np.float64]


def limbs(seconds: float = 2.5) -> dict[str, FloatArray]:
    """Six limb leads that obey, by Goldberger's definitions."""
    t = np.arange(round(seconds * FS_HZ)) / FS_HZ
    one = np.sin(2 * np.pi * 1.2 * t)
    three = 0.8 * np.cos(2 * np.pi * 2.2 * t)
    two = one + three
    return {
        "I": one,
        "II": two,
        "III": three,
        "aVR": -(one + two) / 2,
        "aVL": (one - three) / 2,
        "aVF": (two + three) / 2,
    }


def strip(
    name: str, mv: FloatArray, *, column: int = 0, start_s: float = 0.0, rhythm: bool = False
) -> Strip:
    signal = LeadSignal(mv, FS_HZ, Calibration(4.0, 4.0), np.ones_like(mv), mv * 0, False)
    return Strip(name, Source.READ, 0, column, start_s, (0, 0, 1, 1), rhythm, signal)


def of(leads: Mapping[str, FloatArray], **where: int) -> dict[str, Residual]:
    """Each law's residual for strips of these leads, all in column 0 unless told."""
    strips = [strip(name, mv, column=where.get(name, 0)) for name, mv in leads.items()]
    return {residual.law: residual for residual in residuals(strips, FS_HZ)}


def test_leads_that_obey_leave_nothing() -> None:
    found = of(limbs())
    assert set(found) == set(LAWS)
    assert max(law.rmse_mv for law in found.values()) < 1e-9
    assert min(law.snr_db for law in found.values()) > 90
    assert found["I + III = II"].leads == ("I", "III", "II")
    assert (found["I + III = II"].start_s, found["I + III = II"].stop_s) == (0.0, 2.5)


def test_an_error_of_one_lead_is_measured_in_mv() -> None:
    leads = limbs()
    wrong = np.where(np.arange(250) % 2, 0.1, -0.1)  # mV, its mean is 0
    found = of(leads | {"III": leads["III"] + wrong})
    assert found["I + III = II"].rmse_mv == pytest.approx(0.1)
    assert found["aVL = (I - III) / 2"].rmse_mv == pytest.approx(0.05)
    assert found["aVR = -(I + II) / 2"].rmse_mv == pytest.approx(0, abs=1e-9)
    power = np.mean([np.mean(leads[n] ** 2) for n in ("I", "II", "III")]) + 0.01 / 3
    assert found["I + III = II"].snr_db == pytest.approx(10 * np.log10(power / 0.01), abs=0.1)


def test_leads_of_another_height_of_0_mv_obey_as_well() -> None:
    leads = {name: mv + k for k, (name, mv) in enumerate(limbs().items())}
    assert max(law.rmse_mv for law in of(leads).values()) < 1e-9


@pytest.mark.parametrize(("a", "b"), [("II", "III"), ("aVR", "I"), ("aVL", "aVF")])
def test_swapped_names_contradict_a_law(a: str, b: str) -> None:
    leads = limbs()
    found = of(leads | {a: leads[b], b: leads[a]})
    assert min(law.snr_db for law in found.values()) < 6


def test_a_wrong_gain_contradicts_the_laws_of_its_lead() -> None:
    leads = limbs()
    found = of(leads | {"aVF": 2 * leads["aVF"]})
    broken = {law for law, residual in found.items() if residual.snr_db < 10}
    assert broken == {"aVR + aVL + aVF = 0", "aVF = (II + III) / 2"}


def test_leads_of_different_columns_say_nothing_of_each_other() -> None:
    assert of(limbs(), III=1, aVR=1, aVL=1, aVF=1) == {
        "aVR + aVL + aVF = 0": of(limbs())["aVR + aVL + aVF = 0"]
    }


def test_a_law_of_leads_that_are_not_there_is_not_spoken_of() -> None:
    leads = limbs()
    assert set(of({name: leads[name] for name in ("I", "II", "aVR")})) == {"aVR = -(I + II) / 2"}
    assert of(dict.fromkeys(("V1", "V2", "V3"), leads["I"])) == {}


@pytest.mark.parametrize(("seconds", "laws"), [(0.49, 0), (0.5, len(LAWS))])
def test_leads_of_less_than_half_a_second_tell_nothing(seconds: float, laws: int) -> None:
    assert len(of(limbs(seconds))) == laws


@pytest.mark.parametrize(("seen", "laws"), [(49, 0), (50, len(LAWS))])
def test_what_is_not_seen_tells_nothing(seen: int, laws: int) -> None:
    leads = {name: np.where(np.arange(250) < seen, mv, np.nan) for name, mv in limbs().items()}
    found = of(leads)
    assert len(found) == laws
    assert all(law.rmse_mv < 1e-9 for law in found.values())


def test_gaps_that_are_in_different_places_leave_what_all_leads_have() -> None:
    leads = limbs()
    for name, hole in (("I", slice(0, 60)), ("II", slice(100, 150)), ("aVL", slice(200, 250))):
        leads[name][hole] = np.nan
    assert max(law.rmse_mv for law in of(leads).values()) < 1e-9


def rhythm(mv: FloatArray, short: FloatArray, *, start_s: float) -> list[Residual]:
    """A rhythm strip II of 10 s beside a short II."""
    strips = [
        strip("II", short, column=round(start_s / 2.5), start_s=start_s),
        strip("II", mv, rhythm=True),
    ]
    return list(residuals(strips, FS_HZ))


@pytest.mark.parametrize("start_s", [0.0, 2.5, 7.5])
def test_a_rhythm_strip_repeats_its_lead(start_s: float) -> None:
    long = limbs(10)["II"] + 0.5
    first = round(start_s * FS_HZ)
    (found,) = rhythm(long, long[first : first + 250] - 0.5, start_s=start_s)
    assert (found.law, found.leads) == ("II = rhythm strip", ("II",))
    assert (found.start_s, found.stop_s) == (start_s, start_s + 2.5)
    assert found.rmse_mv < 1e-9


def test_a_rhythm_strip_of_another_lead_is_told() -> None:
    long = limbs(10)
    (found,) = rhythm(long["III"], long["I"][:250], start_s=0.0)
    assert found.snr_db < 0


def test_a_rhythm_strip_takes_no_part_in_the_laws_of_a_column() -> None:
    """It goes on beside the columns; the short II is what belongs to I and III."""
    leads = limbs()
    strips = [strip(name, mv) for name, mv in leads.items()]
    strips.append(strip("II", np.zeros(1000), rhythm=True))
    found = {law.law: law for law in residuals(strips, FS_HZ)}
    assert found["I + III = II"].rmse_mv < 1e-9
    assert found["II = rhythm strip"].rmse_mv == pytest.approx(leads["II"].std(), rel=1e-2)


def test_a_lead_that_begins_earlier_is_compared_where_both_are() -> None:
    """As where a pulse is cut off: II begins 0.5 s before the others."""
    leads = limbs(3.0)
    strips = [
        strip("I", leads["I"][50:], start_s=0.5),
        strip("III", leads["III"][50:], start_s=0.5),
        strip("II", leads["II"]),
    ]
    (found,) = residuals(strips, FS_HZ)
    assert (found.start_s, found.stop_s) == (0.5, 3.0)
    assert found.rmse_mv < 1e-9


def test_a_page_without_leads_has_no_residuals() -> None:
    assert residuals([], FS_HZ) == ()


def test_a_strip_may_be_some_ms_late_but_not_a_tenth_of_a_second() -> None:
    t = np.arange(1000) / FS_HZ
    whole = sum(np.exp(-(((t - beat) / 0.03) ** 2)) for beat in np.arange(0.5, 10, 0.8))
    for late_s, obeyed in ((0.03, True), (0.1, False)):
        short = strip("II", whole[500:750], start_s=5.0 + late_s)
        (law,) = residuals([short, strip("II", whole, rhythm=True)], FS_HZ)
        assert (law.snr_db > 20) == obeyed
