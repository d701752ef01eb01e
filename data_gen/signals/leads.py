"""Lead names, the identities between limb leads, and the completion of 12 leads."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.sample import LEADS

INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The eight leads that carry everything; the other four follow from I and II."""

_CANONICAL = (
    {name.upper(): name for name in LEADS}
    | {"1": "I", "2": "II", "3": "III"}
    | {f"C{k}": f"V{k}" for k in range(1, 7)}  # IEC 60601-2-25's code of the chest electrodes
)
_PREFIX = re.compile(r"^(MDC_ECG_LEAD|ECG|EKG|LEAD|CH|D|L|ML)?[\s_.:-]*", re.IGNORECASE)
_AS_LATIN = str.maketrans("АСІ", "ACI")  # Cyrillic letters that look alike


def canonical(name: str) -> str | None:
    """The spelling of `LEADS` for a lead's name in any case, or None where it is none of the 12.

    Prefixes that devices put before a lead ("Lead II", "ECG V1", "DII", "MLII", ISO 11073's
    "MDC_ECG_LEAD_II") are taken off; C1 to C6 are V1 to V6.

    Example:
        >>> canonical("AVR"), canonical("Lead ii"), canonical("Vx")
        ('aVR', 'II', None)
    """
    bare = name.strip().upper().translate(_AS_LATIN)
    return _CANONICAL.get(bare) or _CANONICAL.get(_PREFIX.sub("", bare))


def complete(independent_mv: NDArray[np.floating]) -> NDArray[np.float32]:
    """All 12 leads from the eight independent ones.

    III = II − I, aVR = −(I + II)/2, aVL = I − II/2, aVF = II − I/2 (Einthoven's triangle and
    Goldberger's augmented leads).

    Args:
        independent_mv: (n, 8), mV, in the order of `INDEPENDENT`.

    Returns:
        float32 (n, 12), mV, in the order of `LEADS`; each lead lies together in memory.

    Example:
        >>> complete(np.ones((1, 8)))[0, :6].tolist()
        [1.0, 1.0, 0.0, -1.0, 0.5, 0.5]
    """
    eight = np.asarray(independent_mv, np.float32)
    out = np.empty((12, len(eight)), np.float32).T
    lead_i, lead_ii, half = eight[:, 0], eight[:, 1], np.float32(0.5)
    out[:, 0], out[:, 1] = lead_i, lead_ii
    out[:, 2] = lead_ii - lead_i
    out[:, 3] = -half * (lead_i + lead_ii)
    out[:, 4] = lead_i - half * lead_ii
    out[:, 5] = lead_ii - half * lead_i
    out[:, 6:] = eight[:, 2:]
    return out


def missing(names: Sequence[str]) -> list[str]:
    """Leads that cannot be had from these; empty where all 12 can.

    Two of I, II and III give all limb leads; a chest lead follows from no other.
    """
    have = {canonical(name) for name in names}
    limb = [name for name in ("I", "II", "III") if name not in have]
    chest = [name for name in LEADS[6:] if name not in have]
    return (limb if len(limb) > 1 else []) + chest


def arrange(signal_mv: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
    """Leads in any order and case as the 12 of `LEADS`, with exact identities.

    III, aVR, aVL and aVF are computed from I and II, so that the identities hold to the
    last bit where a recorder rounded each lead on its own; only where I or II has no
    sample does the recorded one stand.

    Args:
        signal_mv: float32 (n, n_leads), mV; NaN where a sample is missing.
        names: One per column.

    Returns:
        float32 (n, 12), mV.

    Raises:
        InputError: A lead cannot be had from these.
    """
    if lacking := missing(names):
        raise InputError("leads", f"no {', '.join(lacking)}", f"it has {', '.join(names)}")
    column = {canonical(name): signal_mv[:, k] for k, name in reversed(list(enumerate(names)))}
    if "I" not in column:
        column["I"] = column["II"] - column["III"]
    if "II" not in column:
        column["II"] = column["I"] + column["III"]
    out = complete(np.stack([column[name] for name in INDEPENDENT], axis=1))
    for k, name in enumerate(LEADS[:6]):
        if name in column:
            out[:, k] = np.where(np.isnan(out[:, k]), column[name], out[:, k])
    return out
