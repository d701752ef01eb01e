"""Encoder weights that come over the network: said before, and refused in one line."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from data_gen.errors import InputError

_WITHOUT = "train without them: model.encoder_weights=null"


@contextmanager
def fetching(encoder: str, weights: str | None) -> Iterator[None]:
    """Wraps the making of an encoder: prints what is fetched, and hides the fetcher's retries.

    Args:
        encoder: Its name in smp.
        weights: Which; None fetches nothing and changes nothing.

    Raises:
        InputError: The weights cannot be fetched, or there are none of that name.
    """
    if weights is None:
        yield
        return
    where = f"model.encoder_weights={weights}"
    print(f"{where}: fetching {encoder} from huggingface.co, if not in its cache", file=sys.stderr)
    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # For timm's encoders smp wants True in place of a name: any name means the weights
            # that belong to the encoder.
            warnings.filterwarnings("ignore", ".*`encoder_weights` should be set to True.*")
            yield
    except KeyError as error:
        if "pretrained weights" not in str(error):
            raise
        raise InputError(where, str(error.args[0]), "choose one of these, or null") from error
    except Exception as error:
        if not _of_the_network(error):
            raise
        raise InputError(
            where,
            f"{encoder}'s weights cannot be fetched ({type(error).__name__})",
            f"{_WITHOUT}, or fetch them once where there is a network (~/.cache/huggingface)",
        ) from error
    finally:
        log.setLevel(level)


def _of_the_network(error: Exception) -> bool:
    source = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or source in ("huggingface_hub", "httpx", "requests")
