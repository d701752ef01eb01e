"""Search for settings: `python sweep.py hparams_search=overlap n_trials=30 [any of train.py]`."""

from ecg_overlap.entries import launch

if __name__ == "__main__":  # worker processes import this file anew
    launch("sweep")
