"""A trained network by ONNX Runtime, as the callable that `digitize_lead` takes: without torch."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap import weights
from ecg_overlap.digitize.network import Both
from ecg_overlap.onnx_graph import WRITTEN_BY, Graph
from ecg_overlap.reading import Outputs, Reader


class OnnxNetwork(Reader):
    """A graph that `ecg-overlap export --to onnx` wrote.

    Args:
        graph: Opened.
        checkpoint: As of `Reader`.
        opened_from: What `_opened` was given: another process opens it anew. None: none can.

    Raises:
        InputError: The graph names a method that does not read it.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        checkpoint: str | None = None,
        opened_from: tuple[Path, Path | None, bool] | None = None,
    ) -> None:
        super().__init__(
            graph.input_spec, checkpoint=checkpoint, sha256=graph.sha256, method=graph.method
        )
        self.graph = graph
        self.opened_from = opened_from

    def __reduce__(self) -> str | tuple[Any, ...]:
        return super().__reduce__() if self.opened_from is None else (_opened, self.opened_from)

    def outputs(self, channels: NDArray[np.float32], *names: str) -> Outputs:
        """The graph's outputs of these names."""
        return self.graph.run(channels, *names)


def load_onnx(path: str | Path | None = None) -> OnnxNetwork:
    """The package's network that tells traces apart, or an exported one; opened once in a process.

    Args:
        path: A graph of `ecg-overlap export --to onnx`; None: the package's.

    Raises:
        InputError: No such file, or one that cannot be used (see `Graph`).
    """
    if path is None:
        return _opened(weights.packaged_graph(), weights.packaged(), True)
    file = Path(path)
    if not file.is_file():
        raise InputError(file, "no such graph", "give an .onnx")
    return _opened(file)


def load_ink(path: str | Path | None = None) -> OnnxNetwork:
    """The package's network that sees ink, or another that does; opened once in a process.

    Args:
        path: A graph of `ecg-overlap export --to onnx`; None: the package's.

    Raises:
        InputError: As `load_onnx`, or the network does not see ink.
    """
    if path is None:
        return _opened(weights.packaged_ink(), None, True)
    network = load_onnx(path)
    if not network.info.has_ink:
        raise InputError(
            path, f"its network ({network.info.name}) sees no ink", f"{WRITTEN_BY} of model=ink"
        )
    return network


def load_both() -> Both:
    """The package's networks of traces and of ink as one, which is best read by `surest`.

    Raises:
        InputError: As `load_onnx`.
    """
    return Both(load_onnx(), load_ink())


@lru_cache(maxsize=4)
def _opened(file: Path, holder: Path | None = None, packaged: bool = False) -> OnnxNetwork:
    graph = Graph(file, weights=holder)
    name = (holder or file).name
    return OnnxNetwork(
        graph,
        checkpoint=f"package: {name} (sha256 {graph.sha256[:12]})" if packaged else name,
        opened_from=(file, holder, packaged),
    )
