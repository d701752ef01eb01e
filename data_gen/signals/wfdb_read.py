"""One WFDB record: what can be told from its header, and its 12 leads in mV."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.signals import leads
from data_gen.signals.wfdb_header import PLAIN_NAME, BadRecordError, Header, read_header

LOWEST_FS_HZ = 100.0
MOST_SAMPLES = 2_000_000  # of a lead, read at once: an hour at 500 Hz, 0.2 GB of 12 leads
MOST_UNTOLD_BYTES = 64 * 2**20  # of a file that neither says how long it is nor lets it be counted
# How far a heart moves a lead, mV: of a record's leads the liveliest at the least, and the middle
# one at the most. Of 300 real records they are 1.2 to 9.8 and 0.45 to 3.1; a gain wrong by 1,000
# puts them at thousandths or at hundreds.
LEAST_MV, MOST_MV = 0.02, 50.0


def check_header(header: Header, *, min_duration_s: float) -> None:
    """Check what can be checked of a record without its samples.

    Raises:
        BadRecordError: Leads are missing, it is sampled too slowly, or too short.
    """
    if lacking := leads.missing(header.lead_names):
        raise BadRecordError(f"leads {', '.join(lacking)} are missing")
    if header.fs_hz < LOWEST_FS_HZ:
        raise BadRecordError(f"sampled at {header.fs_hz:g} Hz, under {LOWEST_FS_HZ:g} Hz")
    if header.n_samples is not None:
        _check_duration(header.n_samples, header.fs_hz, min_duration_s)


def read_signal(
    path: Path, *, min_duration_s: float, duration_s: float | None = None, where: float = 0.0
) -> tuple[NDArray[np.float32], float]:
    """The 12 leads of a record, or of a stretch of it.

    Args:
        path: The .hea file.
        min_duration_s: A shorter record is bad.
        duration_s: Length of the stretch; None reads all, but `MOST_SAMPLES` at most. A shorter
            record is read whole.
        where: Where the stretch lies, from 0 (at the start) to 1 (at the end).

    Returns:
        float32 (n, 12) in mV, in the order of `LEADS`, NaN where a sample is missing; and
        the sampling frequency, Hz.

    Raises:
        BadRecordError: The header or the samples cannot be used.
    """
    import wfdb  # 1 s to import: only where records are read

    header = read_header(path)
    check_header(header, min_duration_s=min_duration_s)
    first, last = 0, None
    if header.n_samples is not None:
        asked = np.inf if duration_s is None else round(duration_s * header.fs_hz)
        n = int(min(asked, header.n_samples, MOST_SAMPLES))
        first = int(where * (header.n_samples - n + 1)) if where < 1 else header.n_samples - n
        last = first + n
    else:
        _check_sizes(path, header)
    wanted = [k for k, name in enumerate(header.lead_names) if leads.canonical(name)]
    try:
        with _for_wfdb(path, header) as name:
            record = wfdb.rdrecord(
                str(name), sampfrom=first, sampto=last, channels=wanted, return_res=32
            )
    except Exception as error:  # wfdb raises anything at all on a damaged file
        raise BadRecordError(f"damaged ({type(error).__name__}: {error})") from error
    factors = np.array([header.mv_per_unit[k] for k in wanted], np.float32)
    signal_mv = np.asarray(record.p_signal, np.float32) * factors
    _check_duration(len(signal_mv), header.fs_hz, min_duration_s if last is None else 0.0)
    names = [header.lead_names[k] for k in wanted]
    _check_samples(signal_mv, names)
    _check_amplitude(signal_mv, [header.gains[k] for k in wanted])
    return leads.arrange(signal_mv, names), header.fs_hz


@contextmanager
def _for_wfdb(path: Path, header: Header) -> Iterator[Path]:
    """The record's name without a suffix, as wfdb can read it."""
    if header.plain is None:
        yield path.with_suffix("")
        return
    with tempfile.TemporaryDirectory(prefix="ecg-wfdb-") as folder:
        for file in header.files:
            there = (path.parent / file).resolve()
            try:
                (Path(folder) / file).symlink_to(there)
            except OSError:  # Windows gives few the right to
                shutil.copyfile(there, Path(folder) / file)
        (Path(folder) / f"{PLAIN_NAME}.hea").write_text(header.plain, encoding="utf-8")
        yield Path(folder) / PLAIN_NAME


def _check_sizes(path: Path, header: Header) -> None:
    for file in header.files:
        if (path.parent / file).stat().st_size > MOST_UNTOLD_BYTES:
            raise BadRecordError(f"its header does not say how long {file} is")


def _check_amplitude(signal_mv: NDArray[np.float32], gains: Sequence[str]) -> None:
    """Refuse what no heart gives: the header's gain is wrong.

    A lead's range is taken without its highest and lowest half per cent, and of the leads the
    middle one for the upper bound: a loose electrode is no wrong gain.
    """
    low, high = np.nanpercentile(signal_mv, (0.5, 99.5), axis=0)
    moved_mv = high - low
    if float(moved_mv.max()) < LEAST_MV or float(np.median(moved_mv)) > MOST_MV:
        raise BadRecordError(
            f"its leads move by {float(np.median(moved_mv)):.2g} mV, which no heart does: the "
            f"header's gain of {gains[0] or '(none)'} is wrong"
        )


def _check_duration(n_samples: int, fs_hz: float, min_duration_s: float) -> None:
    if n_samples < round(min_duration_s * fs_hz):
        raise BadRecordError(f"{n_samples / fs_hz:g} s long, under {min_duration_s:g} s")


def _check_samples(signal_mv: NDArray[np.float32], names: Sequence[str]) -> None:
    for name, lead_mv in zip(names, signal_mv.T, strict=True):
        seen = lead_mv[~np.isnan(lead_mv)]
        if not seen.size:
            raise BadRecordError(f"lead {name} has no sample (all NaN)")
        if not np.isfinite(seen).all() or seen.min() == seen.max():
            raise BadRecordError(f"lead {name} is flat")
