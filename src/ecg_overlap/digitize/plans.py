"""Every method and oracle by its name: one table of what each does at every stage."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

from data_gen.errors import InputError
from ecg_overlap.digitize import stages
from ecg_overlap.digitize.decoders import COORDINATE, DECODERS, Decoder
from ecg_overlap.digitize.network import Both, Network, NetworkInfo
from ecg_overlap.digitize.stages import FindInk, FindScale, scale_of_grid


class Needs(StrEnum):
    """Which networks a method can be read with; the value is the kind that it is made for."""

    MASK = "unet"  # any that tells the primary from the other traces
    OWN = "unet_paper"  # one trained for this very method: another would not give what it names
    COLUMNS = "unet_coord"  # one with a coordinate head
    INK = "ink"  # one that tells ink from what is none
    BOTH = "ink+unet"  # one that does that, and tells the primary from the other traces

    def fits(self, info: NetworkInfo) -> bool:
        """Whether a network of these facts serves."""
        return {
            Needs.MASK: info.has_masks,
            Needs.OWN: info.name == self.value,
            Needs.COLUMNS: info.has_columns,
            Needs.INK: info.has_ink,
            Needs.BOTH: info.has_ink and info.has_masks,
        }[self]


@dataclass(frozen=True)
class Plan:
    """One method: how each stage is done.

    Args:
        name: As asked for.
        find_scale: Picture to scale; None: the calibration must be given.
        find_ink: Picture to ink; None: the primary's mask must be given, or it is a method `of`
            others.
        decoder: Chooses the trace in the ink, and decodes its path.
        network: Which network it needs; None: none.
        row: Whether the baseline's row must be given.
        remove_wander: Whether the method subtracts the baseline's drift.
        about: What it is, in a line, for who chooses one.
        of: Other methods, each of which reads the picture; the surest reading is taken.
    """

    name: str
    find_scale: FindScale | None
    find_ink: FindInk | None
    decoder: Decoder[Any]
    network: Needs | None = None
    row: bool = False
    remove_wander: bool = False
    about: str = ""
    of: tuple[str, ...] = ()

    @property
    def of_all_traces(self) -> bool:
        """Whether all traces of a picture are traced together."""
        return self.decoder is DECODERS["stroke"]

    @property
    def needs_mask(self) -> bool:
        """Whether the primary's mask must be given."""
        return self.find_ink is None and not self.of

    def readings(self) -> list["Plan"]:
        """The plans of the methods that it is of, given the truths that it is given."""
        _, *truths = self.name.split("@")
        return [plan_for("@".join([name, *truths])) for name in self.of]

    def network_of(self, network: Network | None) -> Network | None:
        """Of two networks given as one, that which the method needs."""
        if not isinstance(network, Both) or self.network is Needs.BOTH:
            return network
        return cast(Network, network.of_ink) if self.network is Needs.INK else network.of_traces

    @property
    def base(self) -> str:
        """The method or decoder without the truths that it is given."""
        return self.name.split("@")[0]


METHODS = {
    plan.name: plan
    for plan in (
        Plan(
            "fortune",
            stages.scale_of_fortune,
            stages.ink_of_fortune,
            DECODERS["fortune"],
            about="the baseline of Fortune 2022, as described",
        ),
        Plan(
            "fortune_fixed",
            stages.scale_of_fortune,
            stages.ink_of_fortune,
            DECODERS["fortune_fixed"],
            about="the baseline of Fortune 2022, mended",
        ),
        Plan(
            "viterbi",
            scale_of_grid,
            stages.ink_binarized,
            DECODERS["viterbi"],
            about="dark ink, one trace by Viterbi; no network, no torch",
        ),
        Plan(
            "classical",
            scale_of_grid,
            stages.ink_binarized,
            DECODERS["stroke"],
            about="dark ink, found without a network; all traces at once; no torch",
        ),
        Plan(
            "paper",
            stages.scale_of_paper,
            stages.mask_of_network,
            DECODERS["viterbi"],
            Needs.OWN,
            remove_wander=True,
            about="arXiv 2506.10617; needs its network, by --checkpoint",
        ),
        Plan(
            "unet+stroke",
            scale_of_grid,
            stages.ink_with_evidence,
            DECODERS["stroke"],
            Needs.MASK,
            about="all traces at once, whose ink is whose by the package's network",
        ),
        Plan(
            "unet+viterbi",
            scale_of_grid,
            stages.mask_of_network,
            DECODERS["viterbi"],
            Needs.MASK,
            about="the same network's mask, one trace by Viterbi",
        ),
        Plan(
            "unet+centroid",
            scale_of_grid,
            stages.mask_of_network,
            DECODERS["centroid"],
            Needs.MASK,
            about="the same network's mask, its middle in each column",
        ),
        Plan(
            "unet_coord",
            scale_of_grid,
            stages.columns_of_network,
            COORDINATE,
            Needs.COLUMNS,
            about="a network that tells rows; needs --checkpoint",
        ),
        Plan(
            "ink+stroke",
            scale_of_grid,
            stages.ink_of_network,
            DECODERS["stroke"],
            Needs.INK,
            about="all traces at once, what is ink by another network; no torch",
        ),
        Plan(
            "ink+unet+stroke",
            scale_of_grid,
            stages.ink_of_network_with_maps,
            DECODERS["stroke"],
            Needs.BOTH,
            about="both networks",
        ),
        Plan(
            "surest",
            scale_of_grid,
            None,
            DECODERS["stroke"],
            Needs.BOTH,
            about="ink+stroke; where that is not 95 % sure, unet+stroke too, and the surer of them",
            of=("ink+stroke", "unet+stroke"),
        ),
    )
}
# Those that find the ink of all traces at once, whatever their row: they read whole pages.
PAGE_METHODS = tuple(
    plan.name
    for plan in METHODS.values()
    if plan.of_all_traces and plan.network in (None, Needs.INK)
)
TRUTHS = ("mask", "grid", "row")


def plan_for(method: str, *, default: str = "classical") -> Plan:
    """The plan of a method or oracle by its name.

    Args:
        method: A name of `METHODS`; "default"; or an oracle: DECODER@mask, DECODER@mask@grid,
            METHOD@grid, METHOD@row.
        default: What "default" stands for.

    Raises:
        InputError: An unknown name.

    Example:
        >>> plan = plan_for("stroke@mask@grid")
        >>> plan.name, plan.base, plan.find_scale, plan.find_ink
        ('stroke@mask@grid', 'stroke', None, None)
    """
    base, *truths = method.split("@")
    base = default if base == "default" else base
    known = tuple(DECODERS) if "mask" in truths else tuple(METHODS)
    if base not in known or any(t not in TRUTHS for t in truths) or len(set(truths)) < len(truths):
        raise InputError(f"method {method!r}", "unknown", f"choose of {choices()}")
    plan = Plan(base, scale_of_grid, None, DECODERS[base]) if "mask" in truths else METHODS[base]
    return replace(
        plan,
        name="@".join([base, *truths]),
        find_scale=None if "grid" in truths else plan.find_scale,
        row="row" in truths,
    )


def choices() -> str:
    """All names, for messages and help texts."""
    return (
        f"default, {', '.join(METHODS)}; with truths given: DECODER@mask, DECODER@mask@grid, "
        f"METHOD@grid, METHOD@row, where DECODER is {', '.join(DECODERS)}"
    )


def default_method(name: str, *, has_columns: bool) -> str:
    """The method that a network of this kind is best read by, where its file does not say.

    Args:
        name: Of the network; one that no method is made for is read by its mask.
        has_columns: Whether it has a coordinate head.
    """
    info = NetworkInfo(name, has_columns=has_columns, has_ink=name == Needs.INK)
    for plan in METHODS.values():
        if plan.network is not None and plan.network == name and plan.network.fits(info):
            return plan.name
    return "unet+stroke"


def method_for(method: str, info: NetworkInfo) -> str:
    """The method, if the network can be read by it.

    Raises:
        InputError: It cannot.
    """
    fitting = [m for m, plan in METHODS.items() if plan.network and plan.network.fits(info)]
    if method not in fitting:
        raise InputError(
            f"method {method!r}", f"does not read {info.name}", f"choose of {', '.join(fitting)}"
        )
    return method
