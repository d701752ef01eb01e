"""Searches over the settings of `train.py` with Optuna: space, storage, study, report."""
