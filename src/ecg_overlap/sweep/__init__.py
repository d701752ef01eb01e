"""Searches over the settings of `train.py` with Optuna: space, storage, study, report."""

from data_gen.errors import InputError

try:
    import optuna  # noqa: F401
    import sqlalchemy  # noqa: F401
except ModuleNotFoundError as error:
    raise InputError(
        "sweep.py", f"{error.name} is not installed", "pip install 'ecg-overlap[sweep]'"
    ) from error
