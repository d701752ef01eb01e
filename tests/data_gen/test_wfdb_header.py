"""Headers as users have them: what is plain is read, what is not is refused, nothing breaks."""

import logging
import resource
from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.sample import LEADS
from data_gen.signals import Simulate, Wfdb
from data_gen.signals.wfdb_header import BadRecordError, read_header
from data_gen.signals.wfdb_read import MOST_UNTOLD_BYTES, read_signal

FS_HZ = 100
SIGNAL_MV = np.round(
    Simulate(duration_s=10, fs_hz=FS_HZ).draw(np.random.default_rng(0)).signal_mv.astype(float), 3
)


def written(folder: Path, name: str = "r", *, gain: float = 1000, fmt: str = "16") -> Path:
    """A record of `SIGNAL_MV`; another gain is one that is wrong."""
    folder.mkdir(exist_ok=True)
    wfdb.wrsamp(
        name, fs=FS_HZ, units=["mV"] * 12, sig_name=list(LEADS),
        d_signal=np.round(SIGNAL_MV * 1000).astype(int), fmt=[fmt] * 12,
        adc_gain=[gain] * 12, baseline=[0] * 12, write_dir=str(folder),
    )  # fmt: skip
    return folder / f"{name}.hea"


def first_line(header: Path, text: str) -> None:
    lines = header.read_text().splitlines()
    header.write_text("\n".join([text, *lines[1:]]) + "\n")


def read(header: Path) -> NDArray[np.float32]:
    return read_signal(header, min_duration_s=5.0, duration_s=10.0)[0]


@pytest.mark.parametrize(
    "line",
    [
        "median_beats/r 12 100 1000",  # a slash in a record's name, as in ECGs of MIMIC
        "r 12 100 1000 2006",  # a year as its time
        "r 12 100 1000 12:00:00 2006-01-31",
        "r 12 100",  # no length
        "r 12 100.0/100(0) 1000 10:20:30.5 31/01/2006",
        "Réc 12 100 1000",
    ],
)
def test_what_is_plain_is_read_though_wfdb_refuses_it(tmp_path: Path, line: str) -> None:
    header = written(tmp_path)
    expected = read(header)
    first_line(header, line)
    assert np.array_equal(read(header), expected) and len(expected) == 1000


@pytest.mark.parametrize(
    ("spelling", "letters"),
    [("MDC_ECG_LEAD_{}", str.upper), ("{}", lambda name: name.replace("V", "C")),
     ("{}", lambda name: name.replace("aV", "АV").replace("V", "С") if "a" not in name else name)],
)  # fmt: skip
def test_names_of_other_norms_are_known(tmp_path: Path, spelling: str, letters: object) -> None:
    header = written(tmp_path)
    expected = read(header)
    text = header.read_text()
    for name in LEADS:
        new = spelling.format(letters(name) if name[0] == "V" or "MDC" in spelling else name)  # type: ignore[operator]
        text = text.replace(f" {name}\n", f" {new}\n")
    assert text != header.read_text()
    header.write_text(text, encoding="utf-8")
    assert np.array_equal(read(header), expected)


@pytest.mark.parametrize(("gain", "amount"), [(2e6, "0.00"), (1, r"e\+0[23]")])
def test_a_gain_that_no_heart_has_is_refused_and_named(
    tmp_path: Path, gain: float, amount: str
) -> None:
    header = written(tmp_path, gain=gain)
    wanted = rf"move by \S*{amount}\S* mV, which no heart does: the header's gain of {gain:g}"
    with pytest.raises(BadRecordError, match=wanted.replace("2e+06", "2000000")):
        read(header)


def test_a_loose_electrode_is_no_wrong_gain(tmp_path: Path) -> None:
    header = written(tmp_path, fmt="32")
    signal = np.round(SIGNAL_MV * 1000).astype(int)
    signal[:, -2:] += 300_000 * (np.arange(1000)[:, None] % 500 < 250)  # ±150 mV
    wfdb.wrsamp(
        "r", fs=FS_HZ, units=["mV"] * 12, sig_name=list(LEADS), d_signal=signal, fmt=["32"] * 12,
        adc_gain=[1000] * 12, baseline=[0] * 12, write_dir=str(tmp_path),
    )  # fmt: skip
    assert np.ptp(read(header)[:, 11]) > 200


def in_segments(folder: Path, main: str) -> Path:
    """`SIGNAL_MV` as segments s1 and s2, and a record that joins them."""
    written(folder, "r")
    data = np.fromfile(folder / "r.dat", "<i2").reshape(-1, 12)
    lines = (folder / "r.hea").read_text().splitlines()[1:]
    for k, part in (("s1", data[:600]), ("s2", data[600:])):
        part.tofile(folder / f"{k}.dat")
        described = "\n".join(line.replace("r.dat", f"{k}.dat") for line in lines)
        (folder / f"{k}.hea").write_text(f"{k} 12 {FS_HZ} {len(part)}\n{described}\n")
    layout = "\n".join(line.replace("r.dat", "~") for line in lines)
    (folder / "lay.hea").write_text(f"lay 12 {FS_HZ} 0\n{layout}\n")
    (folder / "m.hea").write_text(main)
    return folder / "m.hea"


def test_segments_are_joined_and_no_records_of_their_own(tmp_path: Path) -> None:
    header = in_segments(tmp_path, f"m/2 12 {FS_HZ} 1000\ns1 600\ns2 400\n")
    assert np.array_equal(read(header), read(tmp_path / "r.hea"))
    # A segment on one side and the whole on another would be the same heart on both.
    (tmp_path / "r.hea").unlink()
    (tmp_path / "lay.hea").unlink()
    assert Wfdb(str(tmp_path), fractions=(1, 0, 0)).record_ids("train") == ("m",)


def test_segments_with_a_layout_and_a_gap_are_joined(tmp_path: Path) -> None:
    header = in_segments(tmp_path, f"m/4 12 {FS_HZ} 1100\nlay 0\ns1 600\n~ 100\ns2 400\n")
    whole, found = read(tmp_path / "r.hea"), read_signal(header, min_duration_s=5.0)[0]
    assert np.array_equal(found[:600], whole[:600]) and np.isnan(found[600:700]).all()
    assert np.array_equal(found[700:], whole[600:])


@pytest.mark.parametrize(
    ("main", "what"),
    [
        ("m/2 12 100 1000\ns1 600\n../s2 400\n", "in another folder"),
        ("m/1 12 100 1000\nm 1000\n", "has segments"),
        ("m/2 12 100 1000\ns1 600\nnone 400\n", "cannot be read"),
        ("m/2 12 500 1000\ns1 600\ns2 400\n", "of another form"),
        ("m/2 12 100 1000\ns1 six\n", "list of segments is damaged"),
        ("m/1 12 100 1000\n~ 1000\n", "no segments"),
    ],
)
def test_segments_that_make_no_record_are_refused(tmp_path: Path, main: str, what: str) -> None:
    with pytest.raises(BadRecordError, match=what):
        read(in_segments(tmp_path, main))


def test_a_signal_file_in_another_folder_is_not_read(tmp_path: Path) -> None:
    header = written(tmp_path / "a")
    (tmp_path / "a" / "r.dat").rename(tmp_path / "r.dat")
    header.write_text(header.read_text().replace("r.dat", "../r.dat"))
    with pytest.raises(BadRecordError, match="is missing"):
        read(header)


@pytest.mark.parametrize("fs", ["inf", "nan", "-500", "0", "1e999"])
def test_a_rate_that_is_none_is_one_line(tmp_path: Path, fs: str) -> None:
    header = written(tmp_path)
    first_line(header, f"r 12 {fs} 1000")
    with pytest.raises(BadRecordError, match="Hz"):
        read(header)


@pytest.mark.parametrize("fmt", ["16", "516"])
def test_a_huge_file_of_untold_length_costs_little_memory(tmp_path: Path, fmt: str) -> None:
    header = written(tmp_path)
    header.write_text(header.read_text().replace(".dat 16 ", f".dat {fmt} "))
    first_line(header, "r 12 100")
    with (tmp_path / "r.dat").open("r+b") as file:
        file.truncate(40 * MOST_UNTOLD_BYTES)  # 2.5 GB of which 0 on the disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if fmt == "16":
        assert read_header(header).n_samples == 40 * MOST_UNTOLD_BYTES // 24
        assert len(read(header)) == 1000
    else:
        with pytest.raises(BadRecordError, match="does not say how long"):
            read(header)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_where_every_record_is_bad_drawing_ends_however_many_may_be(tmp_path: Path) -> None:
    for name in ("r0", "r1", "r2"):
        written(tmp_path, name)
        (tmp_path / f"{name}.dat").write_bytes(b"")
    source = Wfdb(str(tmp_path), fractions=(1, 0, 0), max_bad=1.0)
    for _ in range(2):  # also when it is known already
        with pytest.raises(InputError, match="all 3 records are bad"):
            source.draw(np.random.default_rng(0))
    for path in tmp_path.glob("*.hea"):
        path.write_text("no header")
    with pytest.raises(InputError, match="all 3 records are bad"):
        Wfdb(str(tmp_path), max_bad=1.0)


WORDS = ["inf", "nan", "-1", "0", "1e9", "99999999999999999999", "~", "../r.dat", "/dev/zero",
         "16x3", "212", "516", "16+999999", "0(0)/mV", "1e-300/mV", "(/)", "é", "r/2", "r/0",
         "12:99:99", "32:5", "311", "x", ""]  # fmt: skip


def spoiled(header: bytes, rng: np.random.Generator) -> bytes:
    """A header with one to four faults: a word another one, bytes changed, lines lost or twice."""
    for _ in range(int(rng.integers(1, 5))):
        lines = [line.split(b" ") for line in header.split(b"\n")]
        line = int(rng.integers(len(lines))) if rng.random() < 0.5 else 0
        how = rng.integers(5)
        if how <= 1:
            lines[line][int(rng.integers(len(lines[line])))] = str(rng.choice(WORDS)).encode()
        elif how == 2:
            del lines[line]
        elif how == 3:
            lines.insert(line, lines[int(rng.integers(len(lines)))])
        header = b"\n".join(b" ".join(words) for words in lines)
        if how == 4:
            where = int(rng.integers(max(len(header), 1)))
            header = header[:where] + rng.bytes(2) + header[where + 2 :]
    return header


@pytest.mark.parametrize("seed", range(4))
def test_fifty_fuzzed_headers_give_a_record_or_one_line(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    rng, header = np.random.default_rng(seed), written(tmp_path)
    whole, read_at_all = header.read_bytes(), 0
    for _ in range(50):
        header.write_bytes(spoiled(whole, rng))
        try:
            signal, fs_hz = read_signal(header, min_duration_s=1.0, duration_s=10.0, where=0.5)
        except BadRecordError as error:
            assert len(str(error).splitlines()) == 1
            continue
        read_at_all += 1
        assert signal.ndim == 2 and signal.shape[1] == 12 and np.isfinite(fs_hz)
        assert np.nanmax(np.abs(signal)) < 1e4
    assert read_at_all < 40  # the faults are faults
