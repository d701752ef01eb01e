"""How likely each lead of a page is right: the probability of 10 dB or more, under its own name.

As for a single lead (`digitize.quality`), what speaks against a strip is put into doubts, each of
which takes its weight from the log odds. `benchmarks/page_quality.py --fit` fits the weights on
drawn pages, and measures on other patients' what they are worth.

It cannot know of a wrong gain, speed or scale, nor of a rhythm strip that was not found.
"""

import math
from dataclasses import asdict, replace

from ecg_overlap.digitize.page.page_signal import Strip
from ecg_overlap.digitize.page.strip_evidence import StripEvidence
from ecg_overlap.digitize.quality import LOW_QUALITY, MOST_UNSURE, probability

# `python benchmarks/page_quality.py --fit` gives them.
SURE = 5.49  # log odds of a strip without any doubt
WEIGHTS = {
    "confidence": 1.76,
    "fast": 3.14,
    "agreement": 0.71,
    "shared": 1.84,
    "told": 2.29,
    "laws": 1.41,
    "margin": 0.13,
    "names": 1.09,
}

ENOUGH_DB = 12.0  # 10 are asked for: what is surer than this tells no more
ENOUGH_NATS = 10.0  # a layout that is so much likelier is as good as certain


def quality(evidence: StripEvidence) -> float:
    """The probability that a strip is the lead of its name to 10 dB or more, 0–1.

    Example:
        >>> good = StripEvidence(0.98, 0.05, 15.0, 0.0, 20.0, 0.99, 20.0, 30.0, 1.0)
        >>> poor = StripEvidence(0.7, 0.3, 1.0, 0.7, 1.0, 0.5, 2.0, 1.0, 0.0)
        >>> quality(good) > 0.9, quality(poor) < 0.1
        (True, True)
    """
    return evidence.named * probability(doubts(evidence), WEIGHTS, SURE)


def doubts(evidence: StripEvidence) -> dict[str, float]:
    """What speaks against a strip, by name: each from 0 to about 2.

    What simultaneous leads say is asked by law where there is one for the lead, else of what they
    explain of it. What is not known does not speak against it, but for a second reading that there
    is none of.
    """
    e = evidence
    return {
        "confidence": 5 * min(1 - e.confidence, MOST_UNSURE),
        "fast": 2 * e.fast,
        "agreement": _short_of_enough(0.0 if math.isnan(e.agreement_db) else e.agreement_db),
        "shared": math.sqrt(e.shared_power),
        "told": _short_of_enough(_explained_db(e.explained) if math.isnan(e.law_db) else e.law_db),
        "laws": _short_of_enough(e.laws_db),
        "margin": max(1 - e.margin / ENOUGH_NATS, 0.0),
        "names": 1 - e.names,
    }


def _short_of_enough(db: float) -> float:
    """By how much a ratio falls short of `ENOUGH_DB`, at the most to 0 dB, in tens of dB."""
    return 0.0 if math.isnan(db) else (ENOUGH_DB - min(max(db, 0.0), ENOUGH_DB)) / 10


def _explained_db(share: float) -> float:
    """The power of a lead over that of what is not explained of it."""
    return math.nan if math.isnan(share) else -10 * math.log10(max(1 - share, 1e-6))


def with_quality(strip: Strip, evidence: StripEvidence) -> Strip:
    """The strip with its quality stated, and by what."""
    stated = quality(evidence)
    low = ("low_quality",) if stated < LOW_QUALITY else ()
    signal = replace(
        strip.signal,
        quality=stated,
        evidence=asdict(evidence),
        flags=(*strip.signal.flags, *low),
    )
    return replace(strip, signal=signal)
