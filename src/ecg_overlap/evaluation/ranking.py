"""Which method comes first: by its mean SNR, `aligned`."""

from collections.abc import Sequence
from statistics import fmean

from ecg_overlap.evaluation.results import Results, Score
from ecg_overlap.evaluation.wording import in_order

# Metric and alignment; IoU where a set has no signals to compare with.
RANKED_BY = (("snr_db", "aligned"), ("iou", "none"))
# Samples: the bootstrap's 95 % interval of ten normal numbers holds their mean in 91 % of draws, of
# five in 82 %, of two in 51 %.
LEAST_TOLD = 10


def ranked(results: Results, test_set: str, *, subset: str = "all") -> list[Score]:
    """The SNR of every model and baseline (of oracles where there is neither), best mean first."""
    names = in_order(results, "model", "baseline") or in_order(results)
    metric, alignment = RANKED_BY[0]
    scores = (
        results.score(name, test_set, metric, alignment=alignment, subset=subset) for name in names
    )
    return sorted((s for s in scores if s), key=lambda s: s.mean, reverse=True)


def leaders(scores: Sequence[Score]) -> int:
    """How many of some scores, best mean first, are not told apart from the first.

    Their 95 % intervals overlap its own, or there are too few samples for any.
    """
    if not scores or scores[0].n < LEAST_TOLD:
        return len(scores)
    return sum(score.ci95[1] >= scores[0].ci95[0] for score in scores)


def answered(results: Results, scores: Sequence[Score]) -> list[Score]:
    """Those scores whose method did not refuse every sample of their subset."""
    found = []
    for score in scores:
        names = score.method, score.test_set, "failure_rate"
        failures = results.score(*names, alignment="none", subset=score.subset)
        if failures is None or failures.mean < 1:
            found.append(score)
    return found


def leading(results: Results, *test_sets: str) -> str:
    """The method whose single samples a report shows.

    Args:
        results: Hold a score of some method on some of the sets.
        test_sets: On which it leads; the means of several sets are averaged.

    Returns:
        Of the models that were tried on the sets, else of the baselines, else of the oracles, the
        one with the highest mean SNR, `aligned`, over all leads (IoU where the sets have no
        signals); the first named where none has a score.

    Source: docs/metrics.md.
    """
    tried = {score.method for score in results.scores if score.test_set in test_sets}
    names = [name for name in in_order(results) if name in tried]
    names = [n for n in names if results.methods[n].kind == results.methods[names[0]].kind]
    for metric, alignment in RANKED_BY:
        means = {
            name: [
                score.mean
                for test_set in test_sets
                if (score := results.score(name, test_set, metric, alignment=alignment))
            ]
            for name in names
        }
        scored = [name for name in names if means[name]]
        if scored:
            return max(scored, key=lambda name: fmean(means[name]))
    return names[0]
