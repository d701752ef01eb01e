"""Signals as a WFDB record: mV within 1 µV, NaN as WFDB's missing value."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.whole_file import whole_files

FORMATS = (("16", 2**15 - 1), ("24", 2**23 - 1), ("32", 2**31 - 1))  # WFDB format, full scale
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
    import wfdb  # and with it pandas: half a second, not before there is something to write

    code, gain = _format_for(signal_mv)
    data, header = (record.with_name(record.name + end) for end in (".dat", ".hea"))
    # The header last, and none while the data change: a record is complete once it has a header.
    with whole_files(data, header) as made:
        wfdb.wrsamp(
            record.name,
            fs=fs_hz,
            units=["mV"] * len(names),
            sig_name=list(names),
            p_signal=signal_mv,
            fmt=[code] * len(names),
            adc_gain=[gain] * len(names),
            baseline=[0] * len(names),
            write_dir=str(made),
        )
        header.unlink(missing_ok=True)
    return header, data


def _format_for(signal_mv: NDArray[np.float64]) -> tuple[str, float]:
    """The smallest WFDB format that holds the signals at 0.5 µV a unit, and its gain."""
    if signal_mv.size == 0:
        raise InputError("signal", "holds no sample", "give at least one")
    seen = signal_mv[np.isfinite(signal_mv)]
    if np.isinf(signal_mv).any():
        raise InputError("signal", "holds an infinite value", "mark what is missing as NaN")
    largest = float(np.abs(seen).max(initial=0.0)) * UNITS_PER_MV
    for code, full_scale in FORMATS:
        if largest < full_scale - 1:
            return code, UNITS_PER_MV
    raise InputError(
        "signal", f"reaches {largest / UNITS_PER_MV:g} mV", "check --px-per-mm and --mm-per-mv"
    )
