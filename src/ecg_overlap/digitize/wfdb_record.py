"""Signals as a WFDB record: mV within 1 µV, NaN as WFDB's missing value.

The files are byte for byte what `wfdb.wrsamp` writes, without its import, which takes 0.4 s as it
loads pandas: a tenth of a page's time.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.whole_file import whole_files

FORMATS = (16, 24, 32)  # WFDB's, which are called after their bits
UNITS_PER_MV = 2000.0  # 0.5 µV a unit: rounding stays within 0.25 µV


def write_record(
    signal_mv: NDArray[np.float64], fs_hz: float, names: Sequence[str], record: Path
) -> tuple[Path, Path]:
    """RECORD.hea and RECORD.dat, each whole or not there.

    Args:
        signal_mv: float64 (n, k), mV; NaN where nothing is known.
        fs_hz: Sampling frequency.
        names: k signals' names.
        record: Folder and name, which has letters, digits, "-" and "_" only.

    Raises:
        InputError: There is no sample, an infinite one, or one over ±1,000,000 mV.
    """
    bits = _bits_for(signal_mv)
    missing = -(2 ** (bits - 1))
    units = np.where(np.isnan(signal_mv), missing, np.round(signal_mv * UNITS_PER_MV))
    samples = units.astype("<i4")
    data, header = (record.with_name(record.name + end) for end in (".dat", ".hea"))
    # The header last, and none while the data change: a record is complete once it has a header.
    with whole_files(data, header) as made:
        low_bytes = np.ascontiguousarray(samples)[..., None].view(np.uint8)[..., : bits // 8]
        (made / data.name).write_bytes(low_bytes.tobytes())
        lines = _header(record.name, samples, bits, fs_hz, names)
        (made / header.name).write_text("\n".join([*lines, ""]), encoding="utf-8", newline="\n")
        header.unlink(missing_ok=True)
    return header, data


def _header(
    record: str, samples: NDArray[np.int32], bits: int, fs_hz: float, names: Sequence[str]
) -> list[str]:
    """The lines of the header of samples (n, k)."""
    fs = str(int(fs_hz)) if round(fs_hz, 8) == int(fs_hz) else str(fs_hz)
    sums = samples.sum(axis=0, dtype=np.int64) % 2**16
    return [
        f"{record} {len(names)} {fs} {len(samples)}",
        *(
            f"{record}.dat {bits} {UNITS_PER_MV}(0)/mV {bits} 0 {first} {checksum} 0 {name}"
            for first, checksum, name in zip(samples[0], sums, names, strict=True)
        ),
    ]


def _bits_for(signal_mv: NDArray[np.float64]) -> int:
    """The smallest WFDB format that holds the signals at 0.5 µV a unit."""
    if signal_mv.size == 0:
        raise InputError("signal", "holds no sample", "give at least one")
    seen = signal_mv[np.isfinite(signal_mv)]
    if np.isinf(signal_mv).any():
        raise InputError("signal", "holds an infinite value", "mark what is missing as NaN")
    largest = float(np.abs(seen).max(initial=0.0)) * UNITS_PER_MV
    for bits in FORMATS:
        if largest < 2 ** (bits - 1) - 2:
            return bits
    raise InputError(
        "signal", f"reaches {largest / UNITS_PER_MV:g} mV", "check --px-per-mm and --mm-per-mv"
    )
