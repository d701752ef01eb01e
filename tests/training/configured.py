"""A class with the values of conf/ for arguments, where code has no defaults of its own."""

from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import get_object
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"


def as_configured(group: str, option: str, *path: str | int) -> partial[Any]:
    """The class that a node of a config file names, its arguments to be set anew by a call.

    Args:
        group: Folder in conf/.
        option: File in it.
        path: To the node in the file.
    """
    node: Any = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{option}.yaml"))
    for step in path:
        node = node[step]
    own = {k: v for k, v in node.items() if k not in ("_target_", "defaults")}
    return partial(get_object(node["_target_"]), **own)
