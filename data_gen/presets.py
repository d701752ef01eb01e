"""Generators by name: a preset names one file of each group in conf/.

The values stand in conf/{signals,page,overlap,crop}/*.yaml and nowhere else. Each file is one
object: `_target_` names its class, the rest are its arguments. Hydra reads them for the entries
train.py and generate.py; here plain YAML does, so that the generator needs no Hydra.
"""

import importlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from data_gen.errors import InputError
from data_gen.generate import LeadGenerator
from data_gen.sample import LeadSample

GROUPS = ("signals", "page", "overlap", "crop")

PRESETS: dict[str, dict[str, str]] = {
    "clean": {"signals": "simulate", "page": "clean", "overlap": "none", "crop": "box"},
    "paper": {"signals": "simulate", "page": "paper", "overlap": "paper", "crop": "extent"},
    "overlap": {"signals": "simulate", "page": "paper", "overlap": "default", "crop": "extent"},
    "scan": {"signals": "simulate", "page": "scan", "overlap": "default", "crop": "box"},
    "photo": {"signals": "simulate", "page": "photo", "overlap": "default", "crop": "box"},
    "fax": {"signals": "simulate", "page": "fax", "overlap": "default", "crop": "box"},
}


def conf_dir() -> Path:
    """The folder of the config files: the repository's, or the one inside an installed wheel.

    Raises:
        InputError: Neither is there.
    """
    here = Path(__file__).resolve().parent
    for folder in (here.parent / "conf", here / "conf"):
        if (folder / "page").is_dir():
            return folder
    raise InputError("conf", f"not found beside {here}", "install the package again")


def load(
    name: str = "overlap", *, values: dict[str, dict[str, Any]] | None = None, **options: str
) -> LeadGenerator:
    """The generator of a preset.

    Args:
        name: One of `PRESETS`.
        values: Arguments to set beside the file's own, per group.
        options: Another file for a group, such as page="scan".

    Raises:
        InputError: A preset, group, file or argument that is not known.

    Example:
        >>> load("clean", crop="window").crop.kind
        'window'
        >>> load("overlap", values={"overlap": {"contact": 0.2}}).overlap.contact
        0.2
    """
    if name not in PRESETS:
        raise InputError(f"preset {name}", "not known", f"take one of {', '.join(PRESETS)}")
    values = values or {}
    for group in (*values, *options):
        if group not in GROUPS:
            raise InputError(f"group {group}", "not known", f"take one of {', '.join(GROUPS)}")
    chosen = PRESETS[name] | options
    return LeadGenerator(**{g: load_part(g, chosen[g], values.get(g)) for g in GROUPS})


def load_part(group: str, option: str, values: dict[str, Any] | None = None) -> Any:
    """The object of one file of a group, some of its arguments set anew.

    Raises:
        InputError: There is no such file, or its class does not take such arguments.
    """
    path = conf_dir() / group / f"{option}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        raise InputError(f"{group}={option}", "no such option", f"take one of {known}")
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    return resolve(tree | (values or {}), where=f"{group}={option}")


def resolve(tree: Any, *, where: str) -> Any:
    """The object that a YAML tree describes, its `_target_`s called from the inside out.

    Raises:
        InputError: A class is given arguments that it does not know, or lacks some.
    """
    if isinstance(tree, list):
        return [resolve(item, where=where) for item in tree]
    if not isinstance(tree, dict):
        return tree
    for key, value in tree.items():
        if value == "???":  # the mark of the config files for what only the user can know
            raise InputError(where, f"{key} is not given", f"give {where.split('=')[0]}.{key}")
    resolved = {key: resolve(value, where=where) for key, value in tree.items()}
    if "_target_" not in resolved:
        return resolved
    module, _, name = resolved.pop("_target_").rpartition(".")
    target = getattr(importlib.import_module(module), name)
    try:
        return target(**resolved)
    except TypeError as error:
        raise InputError(where, str(error), f"see {module}.{name}") from error


@lru_cache(maxsize=8)
def _generator(name: str) -> LeadGenerator:
    return load(name)


def make_sample(index: int, *, seed: int = 0, config: str = "overlap") -> LeadSample:
    """One sample of a preset: the door for other programs.

    Args:
        index: Which sample, from 0.
        seed: Of the data set.
        config: A preset's name.

    Raises:
        InputError: There is no such preset.

    Example:
        >>> make_sample(3).polyline_px.shape[1]
        2
    """
    return _generator(config).sample(index, seed=seed)
