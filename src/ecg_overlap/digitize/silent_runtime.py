"""ONNX Runtime, so loaded that it tells nobody that it runs."""

import os
from typing import Any


def silent_runtime() -> Any:
    """The module `onnxruntime`.

    From 1.29 on it keeps an identity of the machine in the home folder and reports to its maker
    which graphs run where, unless this variable stands when it is loaded; told later, it goes on.

    Raises:
        ImportError: It is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime
