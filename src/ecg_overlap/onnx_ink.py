"""The network that sees ink, run by ONNX Runtime: no torch is loaded for it."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.formats.files import check_digest
from ecg_overlap import weights
from ecg_overlap.digitize.ink.tiles import COLOURS, INK, read_ink
from ecg_overlap.digitize.network import Image, NetworkInfo

SPEC = "ecg_overlap.network"  # as `ecg-overlap export` writes it into the graph
CLASS = "ecg_overlap.ink_net.InkNet"
FOLD = 2  # of the network: its sides are multiples of this, and twice that for each further level


class OnnxInk:
    """A graph that `ecg-overlap export --to onnx` wrote of `model=ink`.

    Args:
        file: The graph.
        packaged: Whether it is the package's, for the record.

    Attributes:
        info: What is known of it beside its outputs.

    Raises:
        InputError: ONNX Runtime is not installed, or the file is damaged or of another network.
    """

    def __init__(self, file: Path, *, packaged: bool = False) -> None:
        digest = check_digest(file)
        self.session = _session(file)
        spec = _spec(self.session, file)
        try:
            self.px_per_mm = float(spec["px_per_mm"])
            self.multiple = FOLD * 2 ** (len(spec["channels"]) - 1)
            self.channels = int(self.session.get_inputs()[0].shape[1])
            sound = 1 <= self.px_per_mm <= 100 and 1 <= self.multiple <= 1024
        except (KeyError, TypeError, ValueError, IndexError):
            sound = False
        if not sound or not COLOURS <= self.channels <= 64:
            raise InputError(file, "its facts are damaged", "export it anew")
        self.info = NetworkInfo(
            name="ink",
            method="ink+stroke",
            checkpoint=f"package: {file.name} (sha256 {digest[:12]})" if packaged else file.name,
            sha256=digest,
            has_ink=True,
            has_masks=False,
        )

    def __call__(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """As `ink`: it knows of no primary and no prompt."""
        return self.ink(image, px_per_mm=px_per_mm)

    def ink(self, image: Image, *, px_per_mm: float) -> NDArray[np.float32]:
        """Probability float32 (H, W) of any trace's ink, of a crop or a page.

        Args:
            image: RGB uint8 (H, W, 3).
            px_per_mm: Its scale.
        """
        return read_ink(
            image,
            px_per_mm=px_per_mm,
            run=self._run,
            network_px_per_mm=self.px_per_mm,
            multiple=self.multiple,
        )

    def _run(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        channels = np.zeros((1, self.channels, *colours.shape[1:]), np.float32)
        channels[0, :COLOURS] = colours
        (logits,) = self.session.run(["mask"], {"channels": channels})
        return np.asarray(1 / (1 + np.exp(-logits[0, INK])), np.float32)

    def __reduce__(self) -> tuple[Any, ...]:
        # Otherwise it would fail at what in a session cannot be pickled, and not say what to do.
        raise TypeError("an ONNX Runtime session stays in its process: load the file again there")


def _session(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise InputError(
            file, "onnxruntime is not installed", "pip install onnxruntime, or give a .safetensors"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _n_threads()
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has a class of its own for every kind of damage
        raise InputError(
            file, f"is no graph that can be run ({type(error).__name__})", "export it anew"
        ) from error


def _n_threads() -> int:
    """As torch does: OMP_NUM_THREADS bounds the threads; without it, all cores (0).

    Of "4,2" the first counts: the others are of loops within loops.
    """
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() else 0


def _spec(session: Any, file: Path) -> dict[str, Any]:
    """The network's own spec, from the graph's facts."""
    facts = session.get_modelmeta().custom_metadata_map
    try:
        spec = json.loads(facts[SPEC])
        if spec["_target_"] == CLASS:
            return dict(spec)
        found = spec["_target_"]
    except (KeyError, TypeError, ValueError, RecursionError):
        found = "none of ecg-overlap's networks"
    raise InputError(
        file,
        f"holds {found}",
        "give a graph that `ecg-overlap export --to onnx` wrote of model=ink",
    )


@lru_cache(maxsize=2)
def load_ink(path: str | Path | None = None) -> OnnxInk:
    """The network that sees ink; each file is opened once in a process.

    Args:
        path: A graph of `ecg-overlap export --to onnx`; None: the package's.

    Raises:
        InputError: No such file, or one that cannot be used (see `OnnxInk`).
    """
    file = weights.packaged_ink() if path is None else Path(path)
    if not file.is_file():
        raise InputError(file, "no such graph", "give an .onnx")
    return OnnxInk(file, packaged=path is None)
