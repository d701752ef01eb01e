"""Generators by name: a preset names one file of each group in conf/.

The values stand in conf/{signals,page,overlap,crop}/*.yaml and nowhere else. Each file is one
object: `_target_` names its class, the rest are its arguments. Hydra reads them, here as for the
entries; it is imported where it is needed, so that importing the generator stays quick.
"""

from copy import deepcopy
from functools import lru_cache
from typing import Any

from data_gen.conf_folder import conf_dir
from data_gen.errors import InputError
from data_gen.extras import needs_extra
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


def load(
    name: str = "overlap", *, values: dict[str, dict[str, Any]] | None = None, **options: str
) -> LeadGenerator:
    """The generator of a preset.

    Args:
        name: One of `PRESETS`.
        values: Per group, arguments that are merged into the file's own.
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
    with needs_extra("train", f"{group}={option}"):
        from omegaconf import open_dict
    path = conf_dir() / group / f"{option}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        raise InputError(f"{group}={option}", "no such option", f"take one of {known}")
    node = deepcopy(_composed(group, option))
    with open_dict(node):  # a wrong name is for the class to refuse, in make
        node.merge_with(values or {})
    return make(node, where=f"{group}={option}")


@lru_cache
def _composed(group: str, option: str) -> Any:
    """The config node of one file of a group, with what its `defaults:` name."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.singleton import Singleton

    # Hydra keeps its state in singletons, which may be those of an application that is running.
    state = Singleton.get_state()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return compose(overrides=[f"+{group}={option}"])[group]
    finally:
        Singleton.set_state(state)


def make(node: Any, *, where: str = "", **more: Any) -> Any:
    """The object that a config node describes by its `_target_`, made of plain Python values.

    Args:
        node: Of a composed configuration, or a tree of dictionaries and lists.
        where: What to name in an error; else the class or the group.
        more: Further arguments, and Hydra's own such as `_partial_`.

    Raises:
        InputError: An argument is not given, or not known to its class.

    Example:
        >>> make({"_target_": "data_gen.crop.CropDials", "kind": "box"}).kind
        'box'
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    check_given(node, where=where)
    try:
        return instantiate(node, _convert_="all", **more)
    except InstantiationException as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        if isinstance(error.__cause__, TypeError):
            target = str(error).split("'")[1]  # the class may stand deep within the node
            raise InputError(where or target, str(error.__cause__), f"see {target}") from error
        raise


def check_given(node: Any, *, where: str = "") -> None:
    """Refuse a config node in which a value is still "???": one that only the user can know.

    Raises:
        InputError: The first that is not given.
    """
    from omegaconf import OmegaConf

    for key in sorted(OmegaConf.missing_keys(node)):
        group, _, name = key.rpartition(".")
        raise InputError(where or group, f"{name} is not given", f"give {key}")


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
