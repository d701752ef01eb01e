"""Realistic sinus rhythm from the package deepfake-ecg (Thambawita et al. 2021)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.sample import LEADS, Record
from data_gen.signals.leads import complete
from data_gen.signals.splits import of_split

_FS_HZ, _N = 500.0, 5000
_MV_AT_FULL_SCALE = 6.0  # the package writes round(6000 · output) as µV


@dataclass(frozen=True)
class Deepfake:
    """Records of 10 s at 500 Hz from a generative network, completed from 8 leads to 12.

    The package's own `generate` reads its 42 MB of weights anew for every call, draws from
    torch's global generator and writes text; here its network is kept and fed from `rng`.

    Raises:
        InputError: The package is not installed, or not of a known version.
    """

    def __post_init__(self) -> None:
        _network()

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        """A new record; the same of `rng` and `split`, and never one of another split."""
        rng = of_split(rng, split)
        record_id = f"deepfake-{rng.integers(2**63):016x}"
        noise = rng.uniform(-1, 1, (1, 8, _N)).astype(np.float32)
        signal_mv = _network()(noise)[0].T * np.float32(_MV_AT_FULL_SCALE)
        return Record(complete(signal_mv), _FS_HZ, LEADS, record_id, None, split)


@lru_cache(maxsize=1)
def _network() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The package's generator: float32 (1, 8, 5000) noise to signals of the same shape."""
    try:
        from deepfakeecg import deepfakeecg as package
    except ImportError:
        raise InputError(
            "signals=deepfake",
            "deepfake-ecg is not installed",
            "pip install 'ecg-overlap[deepfake]'",
        ) from None
    torch = package.torch  # the package's: the generator itself does without
    path = Path(package.__file__).parent / "checkpoints" / "g_stat.pt"
    try:
        network = package.Generator()
        network.load_state_dict(torch.load(path, map_location="cpu")["stat_dict"])
    except (OSError, KeyError, RuntimeError) as error:
        remedy = "reinstall it: pip install 'ecg-overlap[deepfake]'"
        raise InputError(path, f"no weights of deepfake-ecg 1.1 ({error})", remedy) from None
    network.eval()

    def run(noise: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            out: NDArray[np.float32] = network(torch.from_numpy(noise)).numpy()
        return out

    return run
