"""The reader's arguments, as its messages name them, and the options that give them."""

import re

from data_gen.errors import InputError

OPTIONS = {
    "px_per_mm": "--px-per-mm",
    "mm_per_s": "--mm-per-s",
    "mm_per_mv": "--mm-per-mv",
    "chest_mm_per_mv": "--chest-mm-per-mv",
    "fs_hz": "--fs",
    "row_px": "--row",
}
_ANY = re.compile(rf"\b(?:{'|'.join(OPTIONS)})\b")


def as_typed(error: InputError) -> str:
    """An error's line with the options of the command line in place of the reader's arguments.

    Example:
        >>> as_typed(InputError("px_per_mm", "0.1 makes the picture 30 m long", "check it"))
        '--px-per-mm: 0.1 makes the picture 30 m long; check it'
    """
    where = OPTIONS.get(error.where, error.where)
    what, remedy = (
        _ANY.sub(lambda name: OPTIONS[name[0]], text) for text in (error.what, error.remedy)
    )
    return f"{where}: {what}; {remedy}"
