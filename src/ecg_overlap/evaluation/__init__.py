"""Methods × test sets, scored against true signals: results, report, comparison."""
