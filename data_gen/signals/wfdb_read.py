"""One WFDB record: its header at a glance, and its 12 leads in mV."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.signals import leads

LOWEST_FS_HZ = 100.0
_MV_PER_UNIT = {"nv": 1e-6, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "mv": 1.0, "v": 1e3}
_GAIN = re.compile(r"^[-+.\deE]+(?:\([-\d]+\))?(?:/(?P<units>\S+))?$")


class BadRecordError(Exception):
    """A record that cannot be used, and why; the source that reads it counts and skips it."""


@dataclass(frozen=True)
class Header:
    """What must be known of a record before its samples are read.

    Args:
        fs_hz: Sampling frequency.
        n_samples: Samples per lead; None where the header leaves it out.
        lead_names: As the header spells them.
        mv_per_unit: Factor to mV of each lead's unit.
    """

    fs_hz: float
    n_samples: int | None
    lead_names: tuple[str, ...]
    mv_per_unit: tuple[float, ...]


def read_header(path: Path) -> Header:
    """Parse a .hea file (WFDB header(5)).

    wfdb's own parser takes 2–6 ms a header, too long to check 20,000 of them at start,
    and drops non-ASCII letters, so that it reads µV as V.

    Raises:
        BadRecordError: Not readable, not a single-segment record, a signal file is missing, or
            a unit is unknown.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadRecordError(f"the header cannot be read ({error.strerror})") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    try:
        record, signals = lines[0], lines[1:]
        if "/" in record[0]:
            raise BadRecordError("a multi-segment record")
        n_leads = int(record[1])
        fs_hz = float(re.split(r"[/(]", record[2])[0]) if len(record) > 2 else 250.0
        n_samples = int(record[3]) if len(record) > 3 and int(record[3]) > 0 else None
    except (IndexError, ValueError):
        raise BadRecordError("the header's first line is damaged") from None
    if len(signals) < n_leads or not n_leads:
        raise BadRecordError(f"the header promises {n_leads} leads and describes {len(signals)}")
    signals = signals[:n_leads]
    for name in {line[0] for line in signals}:
        if not (path.parent / name).is_file():
            raise BadRecordError(f"its signal file {name} is missing")
    names = tuple(" ".join(line[8:]) for line in signals)
    return Header(fs_hz, n_samples, names, tuple(_mv_per_unit(line) for line in signals))


def _mv_per_unit(signal_line: Sequence[str]) -> float:
    if len(signal_line) < 3:
        return 1.0  # header(5): without a gain the unit is mV
    gain = _GAIN.match(signal_line[2])
    if gain is None:
        raise BadRecordError(f"the gain {signal_line[2]!r} is damaged")
    units = gain["units"] or "mV"
    if units.lower() not in _MV_PER_UNIT:
        raise BadRecordError(f"the unit {units!r} is no voltage")
    return _MV_PER_UNIT[units.lower()]


def check_header(header: Header, *, min_duration_s: float) -> None:
    """Check what can be checked of a record without its samples.

    Raises:
        BadRecordError: Leads are missing, it is sampled too slowly, or too short.
    """
    if lacking := leads.missing(header.lead_names):
        raise BadRecordError(f"leads {', '.join(lacking)} are missing")
    if not header.fs_hz >= LOWEST_FS_HZ:
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
        duration_s: Length of the stretch; None reads all. A shorter record is read whole.
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
    if duration_s is not None and header.n_samples is not None:
        n = min(round(duration_s * header.fs_hz), header.n_samples)
        first = int(where * (header.n_samples - n + 1)) if where < 1 else header.n_samples - n
        last = first + n
    wanted = [k for k, name in enumerate(header.lead_names) if leads.canonical(name)]
    try:
        record = wfdb.rdrecord(
            str(path.with_suffix("")),
            sampfrom=first,
            sampto=last,
            channels=wanted,
            return_res=32,
        )
    except Exception as error:  # wfdb raises anything at all on a damaged file
        raise BadRecordError(f"damaged ({type(error).__name__}: {error})") from error
    factors = np.array([header.mv_per_unit[k] for k in wanted], np.float32)
    signal_mv = np.asarray(record.p_signal, np.float32) * factors
    _check_duration(len(signal_mv), header.fs_hz, min_duration_s if last is None else 0.0)
    names = [header.lead_names[k] for k in wanted]
    _check_samples(signal_mv, names)
    return leads.arrange(signal_mv, names), header.fs_hz


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
