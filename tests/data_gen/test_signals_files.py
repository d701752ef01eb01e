"""Records in files: units, lead names, splits, and every way in which a record can be bad."""

import csv
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from data_gen.errors import InputError
from data_gen.sample import LEADS, SPLITS
from data_gen.signals import Mix, Ptbxl, Simulate, Wfdb
from data_gen.signals.leads import INDEPENDENT, arrange, canonical, complete
from data_gen.signals.wfdb_folder import split_by_hash

FS_HZ = 100


def ecg_mv(seed=0, seconds=10):
    source = Simulate(duration_s=seconds, fs_hz=FS_HZ)
    return source.draw(np.random.default_rng(seed)).signal_mv.astype(np.float64)


def write(folder, name, signal_mv=None, names=LEADS, fs=FS_HZ):
    """A record of 1 µV steps; NaN is the format's own mark of a missing sample."""
    folder.mkdir(parents=True, exist_ok=True)
    signal_mv = ecg_mv() if signal_mv is None else signal_mv
    n_leads = signal_mv.shape[1]
    steps = np.where(np.isnan(signal_mv), -32768, np.round(np.nan_to_num(signal_mv) * 1000))
    wfdb.wrsamp(
        name, fs=fs, units=["mV"] * n_leads, sig_name=list(names), d_signal=steps.astype(int),
        fmt=["16"] * n_leads, adc_gain=[1000] * n_leads, baseline=[0] * n_leads,
        write_dir=str(folder),
    )  # fmt: skip


def write_many(folder, n):
    """Records r0, r1, … of the same samples."""
    write(folder, "r0")
    header, samples = (folder / "r0.hea").read_text(), (folder / "r0.dat").read_bytes()
    for k in range(1, n):
        (folder / f"r{k}.hea").write_text(header.replace("r0", f"r{k}"))
        (folder / f"r{k}.dat").write_bytes(samples)


def rewrite(header, old, new, encoding="utf-8"):
    """Change a header in ways in which wfdb writes none."""
    text = header.read_text()
    assert old in text
    header.write_bytes(text.replace(old, new).encode(encoding))


def all_train(folder, **kwargs):
    return Wfdb(str(folder), fractions=(1, 0, 0), **kwargs)


def draw(source, seed=0, split="train"):
    return source.draw(np.random.default_rng(seed), split=split)


# --- leads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "lead"),
    [("AVR", "aVR"), ("avl", "aVL"), ("v1", "V1"), (" ii ", "II"), ("Lead III", "III"),
     ("ECG V6", "V6"), ("MLII", "II"), ("D1", "I"), ("resp", None), ("V7", None), ("", None)],
)  # fmt: skip
def test_lead_names_in_any_spelling(spelling, lead):
    assert canonical(spelling) == lead


def test_the_identities_by_hand():
    # I = 1, II = 3: III = 2, aVR = −2, aVL = −0.5, aVF = 2.5
    eight = np.array([[1, 3, 10, 20, 30, 40, 50, 60]])
    assert complete(eight).tolist() == [[1, 3, 2, -2, -0.5, 2.5, 10, 20, 30, 40, 50, 60]]


@given(order=st.permutations(range(12)))
def test_leads_in_any_order_come_out_in_the_standard_order(order):
    signal_mv = complete(np.arange(16, dtype=np.float32).reshape(2, 8) ** 2)
    shuffled = arrange(signal_mv[:, list(order)], [LEADS[k].upper() for k in order])
    np.testing.assert_array_equal(shuffled, signal_mv)


@pytest.mark.parametrize("absent", ["I", "II", "III"])
def test_two_of_the_three_bipolar_leads_give_all_limb_leads(absent):
    signal_mv = complete(np.arange(16, dtype=np.float32).reshape(2, 8) ** 2)
    names = [name for name in LEADS if name != absent and not name.startswith("aV")]
    out = arrange(signal_mv[:, [LEADS.index(name) for name in names]], names)
    np.testing.assert_array_equal(out, signal_mv)


def test_where_one_limb_lead_has_a_gap_the_recorded_others_stand():
    signal_mv = complete(np.ones((3, 8)))
    signal_mv[1, LEADS.index("I")] = np.nan
    out = arrange(signal_mv, LEADS)
    assert np.isnan(out[1]).tolist() == [name == "I" for name in LEADS]


def test_leads_that_follow_from_no_other_are_named():
    with pytest.raises(InputError, match="no V3; it has"):
        arrange(np.zeros((2, 11), np.float32), [name for name in LEADS if name != "V3"])


# --- a folder of WFDB records ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "encoding"),
    [("1000(0)/mV", "utf-8"), ("1(0)/uV", "utf-8"), ("1/µV", "utf-8"), ("1.0(0)/µV", "latin-1"),
     ("1e6/V", "utf-8"), ("1000(0)/MV", "utf-8"), ("1000", "utf-8")],
)  # fmt: skip
def test_every_voltage_comes_out_in_mv(tmp_path, gain, encoding):
    write(tmp_path, "a")
    rewrite(tmp_path / "a.hea", "1000(0)/mV", gain, encoding)
    record = draw(all_train(tmp_path))
    np.testing.assert_allclose(record.signal_mv, ecg_mv(), atol=0.002)
    assert (record.fs_hz, record.lead_names, record.patient_id) == (100.0, LEADS, None)


def test_any_lead_order_and_case_and_channels_that_are_no_leads(tmp_path):
    signal_mv = ecg_mv()
    order = np.random.default_rng(0).permutation(12)
    more = np.column_stack([signal_mv[:, order], np.zeros(len(signal_mv))])
    write(tmp_path / "deep" / "er", "a", more, names=[LEADS[k].lower() for k in order] + ["resp"])
    source = all_train(tmp_path)
    assert source.record_ids("train") == ("deep/er/a",)
    np.testing.assert_allclose(draw(source).signal_mv, signal_mv, atol=1e-3)


def test_eight_leads_are_completed(tmp_path):
    signal_mv = ecg_mv()
    columns = [LEADS.index(name) for name in INDEPENDENT]
    write(tmp_path, "a", signal_mv[:, columns], names=INDEPENDENT)
    record = draw(all_train(tmp_path))
    np.testing.assert_allclose(record.signal_mv, signal_mv, atol=2e-3)
    i, ii, iii = record.signal_mv[:, :3].T
    np.testing.assert_array_equal(iii, ii - i)


def test_a_span_of_nan_stays_nan_and_is_never_0(tmp_path):
    signal_mv = ecg_mv()
    signal_mv[200:300, 7] = np.nan
    write(tmp_path, "a", signal_mv)
    seen = np.isnan(draw(all_train(tmp_path)).signal_mv)
    assert seen[200:300, 7].all()
    assert seen.sum() == 100


def test_of_a_long_record_a_stretch_is_drawn(tmp_path):
    signal_mv = ecg_mv(seconds=40)
    write(tmp_path, "a", signal_mv)
    source = all_train(tmp_path)
    firsts = []
    for seed in range(12):
        stretch = draw(source, seed).signal_mv
        assert stretch.shape == (1000, 12)
        starts = np.flatnonzero(np.abs(signal_mv[:3001, 6] - stretch[0, 6]) < 1e-3)
        firsts += [k for k in starts if np.allclose(signal_mv[k : k + 1000], stretch, atol=2e-3)]
    assert len(firsts) == 12
    assert min(firsts) < 1000 and max(firsts) > 2000


def test_the_split_goes_by_the_id_alone_and_keeps_its_shares(tmp_path):
    fractions = (0.8, 0.1, 0.1)
    splits = [split_by_hash(f"record{k}", fractions) for k in range(4000)]
    # Three standard errors of a share of 4000: 0.019 at 0.8, 0.014 at 0.1.
    assert splits.count("train") / 4000 == pytest.approx(0.8, abs=0.019)
    assert splits.count("test") / 4000 == pytest.approx(0.1, abs=0.014)
    # SHA-256("abc") begins ba7816bf…, 0.728 of the way.
    assert split_by_hash("abc", fractions) == "train"
    assert split_by_hash("abc", (0.7, 0.02, 0.28)) == "test"
    assert split_by_hash("abc", (0.7, 0.03, 0.27)) == "val"


def test_no_record_is_on_two_sides_and_more_records_move_none(tmp_path):
    write_many(tmp_path, 30)
    source = Wfdb(str(tmp_path), fractions=(0.5, 0.25, 0.25))
    sides = [set(source.record_ids(split)) for split in SPLITS]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 30
    assert all(sides)
    fewer = Wfdb(
        str(tmp_path), fractions=(0.5, 0.25, 0.25), exclude=[f"r{k}" for k in range(0, 30, 3)]
    )
    for side, split in zip(sides, SPLITS, strict=True):
        assert set(fewer.record_ids(split)) == side - {f"r{k}" for k in range(0, 30, 3)}
    for split in SPLITS:
        record = draw(source, split=split)
        assert record.record_id in source.record_ids(split)
        assert record.split == split


def test_the_same_generator_draws_the_same_record_also_from_a_pickled_source(tmp_path):
    for k in range(4):
        write(tmp_path, f"r{k}", ecg_mv(k))
    source = all_train(tmp_path)
    copy = pickle.loads(pickle.dumps(source))
    drawn = [draw(source, seed) for seed in range(10)]
    again = [draw(copy, seed) for seed in reversed(range(10))][::-1]
    assert [r.record_id for r in drawn] == [r.record_id for r in again]
    assert drawn[3].signal_mv.tobytes() == again[3].signal_mv.tobytes()
    assert len({r.record_id for r in drawn}) > 1


# --- what is wrong with a folder -------------------------------------------------------------


def test_a_missing_or_empty_root_is_named_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder; give signals"):
        Wfdb(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="no WFDB record"):
        Wfdb(str(tmp_path))
    with pytest.raises(InputError, match="not given"):
        Wfdb("")


def test_impossible_options_are_refused(tmp_path):
    write(tmp_path, "a")
    for options, message in [
        ({"fractions": (0.5, 0.5)}, "three that add up to 1"),
        ({"fractions": (0.5, 0.5, 0.5)}, "three that add up to 1"),
        ({"check": "some"}, "choose of headers, full"),
        ({"min_duration_s": 20}, "min_duration_s"),
        ({"max_bad": 2}, "max_bad"),
        ({"exclude": ["b"]}, "no record b to exclude"),
    ]:
        with pytest.raises(InputError, match=message):
            Wfdb(str(tmp_path), **options)


def test_an_empty_split_is_an_error_when_it_is_drawn_from(tmp_path):
    write(tmp_path, "a")
    with pytest.raises(InputError, match="no record in split 'val'"):
        draw(all_train(tmp_path), split="val")


def spoil_dat(folder, name):
    (folder / f"{name}.dat").write_bytes(b"\x00" * 100)


def spoil_header(folder, name):
    (folder / f"{name}.hea").write_bytes(b"\xff\xfe nonsense")


def lose_dat(folder, name):
    (folder / f"{name}.dat").unlink()


def flatten(folder, name):
    signal_mv = ecg_mv()
    signal_mv[:, 4] = 0.25
    write(folder, name, signal_mv)


def all_nan(folder, name):
    signal_mv = ecg_mv()
    signal_mv[:, 4] = np.nan
    write(folder, name, signal_mv)


def drop_lead(folder, name):
    write(folder, name, ecg_mv()[:, :11], names=LEADS[:11])


def shorten(folder, name):
    write(folder, name, ecg_mv()[:900])


def slow_down(folder, name):
    write(folder, name, fs=80)


def unknown_unit(folder, name):
    rewrite(folder / f"{name}.hea", "/mV", "/mmHg")


AT_START = {
    spoil_header: "first line is damaged",
    lose_dat: r"signal file r\d\.dat is missing",
    drop_lead: "leads V6 are missing",
    shorten: "9 s long, under 10 s",
    slow_down: "80 Hz, under 100 Hz",
    unknown_unit: "'mmHg' is no voltage",
}
WHEN_READ = {
    spoil_dat: "damaged",
    flatten: "lead aVL is flat",
    all_nan: r"lead aVL has no sample \(all NaN\)",
}


@pytest.fixture
def forty(tmp_path):
    """40 good records; few enough bad ones among them are to be skipped, many to stop."""
    write_many(tmp_path, 40)
    return tmp_path


@pytest.mark.parametrize("spoil", AT_START)
def test_one_bad_header_among_many_is_skipped_with_a_warning_and_three_stop(forty, caplog, spoil):
    spoil(forty, "r7")
    with caplog.at_level(logging.WARNING):
        source = all_train(forty)
    assert len(source.record_ids("train")) == 39
    assert len(caplog.messages) == 1
    assert "r7: skipped" in caplog.messages[0]
    assert "(1 of 40 records)" in caplog.messages[0]
    for name in ("r8", "r9"):
        spoil(forty, name)
    with pytest.raises(InputError, match=rf"3 of 40 records are bad.*{AT_START[spoil]}.*exclude"):
        all_train(forty)
    assert len(all_train(forty, exclude=["r7", "r8", "r9"]).record_ids("train")) == 37
    assert len(all_train(forty, max_bad=0.1).record_ids("train")) == 37


@pytest.mark.parametrize("spoil", WHEN_READ)
def test_one_bad_payload_is_skipped_with_one_warning_and_three_stop(forty, caplog, spoil):
    before = {seed: draw(all_train(forty), seed).record_id for seed in range(60)}
    spoil(forty, "r7")
    source = all_train(forty)
    with caplog.at_level(logging.WARNING):
        after = {seed: draw(source, seed).record_id for seed in range(60)}
    assert "r7" in before.values()
    assert "r7" not in after.values()
    # Whoever had drawn another record draws it still.
    assert {s: i for s, i in after.items() if before[s] != "r7"} == {
        s: i for s, i in before.items() if i != "r7"
    }
    assert len(caplog.messages) == 1
    for name in ("r8", "r9"):
        spoil(forty, name)
    source = all_train(forty)
    with pytest.raises(InputError, match=rf"3 of 40 records are bad.*{WHEN_READ[spoil]}.*exclude"):
        for seed in range(300):
            draw(source, seed)
    with pytest.raises(InputError, match="3 of 40 records are bad"):
        all_train(forty, check="full")


def test_a_full_check_finds_bad_samples_before_any_is_drawn(forty):
    flatten(forty, "r7")
    assert "r7" in all_train(forty).record_ids("train")
    assert "r7" not in all_train(forty, check="full").record_ids("train")


def test_what_is_drawn_instead_of_a_bad_record_does_not_depend_on_what_came_before(forty):
    flatten(forty, "r7")
    fresh = [draw(all_train(forty), seed).record_id for seed in range(60)]
    source = all_train(forty)
    assert [draw(source, seed).record_id for seed in range(60)] == fresh


# --- PTB-XL ----------------------------------------------------------------------------------


def write_ptbxl(root, rows, columns=("ecg_id", "patient_id", "strat_fold", "filename_hr")):
    root.mkdir(exist_ok=True)
    for ecg_id, _, _ in rows:
        write(root / "records500" / "00000", f"{ecg_id:05d}_hr", ecg_mv(ecg_id))
    with (root / "ptbxl_database.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for ecg_id, patient, fold in rows:
            table.writerow([ecg_id, patient, fold, f"records500/00000/{ecg_id:05d}_hr"])
    return root


FOLDS = [(1, "11.0", 1), (2, "12.0", 8), (3, "13.0", 9), (4, "14.0", 10), (5, "11.0", 3)]


def test_ptbxl_is_split_by_its_folds(tmp_path):
    source = Ptbxl(str(write_ptbxl(tmp_path, FOLDS)))
    numbers = [[i[-8:-3] for i in source.record_ids(split)] for split in SPLITS]
    assert numbers == [["00001", "00002", "00005"], ["00003"], ["00004"]]
    record = draw(source, split="test")
    assert (record.record_id, record.patient_id) == ("records500/00000/00004_hr", "14")
    assert record.split == "test"
    np.testing.assert_allclose(record.signal_mv, ecg_mv(4), atol=1e-3)


def test_excluded_records_are_left_out(tmp_path):
    source = Ptbxl(str(write_ptbxl(tmp_path, FOLDS)), exclude=["00001_hr"])
    assert len(source.record_ids("train")) == 2


def test_a_patient_on_two_sides_is_refused(tmp_path):
    root = write_ptbxl(tmp_path, [*FOLDS, (6, "14.0", 2)])
    with pytest.raises(InputError, match="patient 14 is in test and in train"):
        Ptbxl(str(root))
    assert len(Ptbxl(str(root), exclude=["00006_hr"]).record_ids("train")) == 3


def test_a_table_that_is_missing_or_damaged_is_named(tmp_path):
    write(tmp_path / "plain", "a")
    with pytest.raises(InputError, match="no such table"):
        Ptbxl(str(tmp_path / "plain"))
    names = ("ecg_id", "patient_id", "fold", "filename_hr")
    with pytest.raises(InputError, match="no column strat_fold"):
        Ptbxl(str(write_ptbxl(tmp_path / "a", FOLDS, names)))
    with pytest.raises(InputError, match="no column filename_lr"):
        Ptbxl(str(write_ptbxl(tmp_path / "b", FOLDS)), version="lr")
    with pytest.raises(InputError, match="choose of hr, lr"):
        Ptbxl(str(tmp_path / "b"), version="mr")
    for bad in [(6, "x", 2), (6, "15", 11), (6, "15", "")]:
        with pytest.raises(InputError, match="line 7 is damaged"):
            Ptbxl(str(write_ptbxl(tmp_path / "c", [*FOLDS, bad])))
    with pytest.raises(InputError, match="no record in it"):
        Ptbxl(str(write_ptbxl(tmp_path / "d", [])))


def test_a_mixture_lists_the_records_of_its_files(tmp_path):
    ptbxl = Ptbxl(str(write_ptbxl(tmp_path, FOLDS)))
    mix = Mix(weights={"a": 1, "b": 1}, a=Simulate(), b=ptbxl)
    assert mix.record_ids("test") == ptbxl.record_ids("test")


# --- the real signals at hand ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "folder"), [(Ptbxl, "ptbxl"), (Wfdb, "ptbxl_more"), (Wfdb, "ludb")]
)
def test_real_records_read_as_wfdb_reads_them(shared_data, kind, folder):
    source = kind(str(shared_data / folder))
    for seed, split in enumerate(SPLITS):
        record = draw(source, seed, split)
        path = shared_data / folder / record.record_id
        expected = wfdb.rdrecord(str(path)).p_signal  # all three are in the standard order, mV
        assert record.signal_mv.shape == (5000, 12)
        # Recorders round each lead to 1–5 µV; the derived limb leads differ by no more.
        np.testing.assert_allclose(record.signal_mv, expected, atol=0.008)
        np.testing.assert_allclose(record.signal_mv[:, 6:], expected[:, 6:], atol=1e-6)
    assert Path(record.record_id).name
