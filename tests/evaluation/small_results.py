"""A `results.json` of one method on one set, with the scores that a test wants."""

from ecg_overlap.evaluation.results import MethodInfo, Results, Score, TestSetInfo


def results_of(*scores: Score) -> Results:
    return Results(
        created="2026-01-02T03:04:05+00:00",
        command="python eval.py",
        git="abc",
        versions={"numpy": "2.0"},
        device="CPU",
        test_sets={"clean": TestSetInfo(4, "preset", "00ff")},
        methods={"classical": MethodInfo("baseline")},
        scores=scores,
        per_sample=None,
        notes=("a note",),
    )
