"""The names of methods and oracles, and what each of them does at every stage."""

from dataclasses import dataclass, replace

from data_gen.errors import InputError
from ecg_overlap.digitize.decoders import DECODERS


@dataclass(frozen=True)
class Plan:
    """One method: where each stage's result comes from.

    Args:
        name: As asked for.
        mask: "network", "ink" (our binarization), "fortune" (threshold with a hedge), or
            "given" (the truth).
        decoder: Mask to path; "coordinate": the network's own rows, column by column.
        grid: "lines" (ours), "fortune" (autocorrelation), "paper" (Otsu hedge and Hough), or
            "given".
        row: Whether the baseline's row must be given.
        remove_wander: Whether the method subtracts the baseline's drift.
    """

    name: str
    mask: str
    decoder: str
    grid: str = "lines"
    row: bool = False
    remove_wander: bool = False

    @property
    def reads_ink(self) -> bool:
        """Whether the network only tells which ink is the primary's, and the ink is decoded."""
        return self.needs_network and self.decoder == "stroke"

    @property
    def reads_columns(self) -> bool:
        """Whether the path is read from a network's coordinate head."""
        return self.decoder == "coordinate"

    @property
    def needs_network(self) -> bool:
        return self.mask == "network"

    @property
    def own_network(self) -> bool:
        """Whether only a network trained for this very method gives what its name says."""
        return self.needs_network and self.grid == "paper"


METHODS = {
    plan.name: plan
    for plan in (
        Plan("fortune", mask="fortune", decoder="fortune", grid="fortune"),
        Plan("fortune_fixed", mask="fortune", decoder="fortune_fixed", grid="fortune"),
        Plan("viterbi", mask="ink", decoder="viterbi"),
        Plan("classical", mask="ink", decoder="stroke"),
        Plan("paper", mask="network", decoder="viterbi", grid="paper", remove_wander=True),
        Plan("unet+stroke", mask="network", decoder="stroke"),
        Plan("unet+viterbi", mask="network", decoder="viterbi"),
        Plan("unet+centroid", mask="network", decoder="centroid"),
        Plan("unet_coord", mask="network", decoder="coordinate"),
    )
}
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
        >>> plan_for("stroke@mask@grid")
        Plan(name='stroke@mask@grid', mask='given', decoder='stroke', grid='given', row=False, \
remove_wander=False)
    """
    base, *truths = method.split("@")
    base = default if base == "default" else base
    name = "@".join([base, *truths])
    known = DECODERS if "mask" in truths else tuple(METHODS)
    if base not in known or any(t not in TRUTHS for t in truths) or len(set(truths)) < len(truths):
        raise InputError(f"method {method!r}", "unknown", f"choose of {choices()}")
    plan = Plan(name, "given", base) if "mask" in truths else replace(METHODS[base], name=name)
    if "grid" in truths:
        plan = replace(plan, grid="given")
    return replace(plan, row="row" in truths)


def choices() -> str:
    """All names, for messages and help texts."""
    return (
        f"default, {', '.join(METHODS)}; with truths given: DECODER@mask, DECODER@mask@grid, "
        f"METHOD@grid, METHOD@row, where DECODER is {', '.join(DECODERS)}"
    )
