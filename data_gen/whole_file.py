"""Files that are either whole or not there: written under another name, then renamed."""

import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART_SUFFIX = ".part"  # of what is still being written; a killed process leaves it behind
_OF_FILE = re.compile(rf"(.+)\.[0-9a-f]{{8}}{re.escape(PART_SUFFIX)}")
_OF_FILES = re.compile(rf"\.(.+)\.[a-z0-9_]{{8}}{re.escape(PART_SUFFIX)}")  # as `tempfile` names it


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to it when the block ends without an error.

    After an error the old file stands as it was, and what was written is removed. The folder is
    made if need be.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(Path(folder) / "a.txt") as part:
        ...         _ = part.write_text("all of it")
        ...     [path.name for path in Path(folder).iterdir()]
        ['a.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may write the same file at once: each under a name of its own.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART_SUFFIX}")
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def whole_files(*paths: Path) -> Iterator[Path]:
    """A temporary folder beside `paths`, for writers that choose their files' names themselves.

    When the block ends without an error, the file of each path's name is moved from the folder
    to the path, in the order given. The folder is removed in any case.
    """
    parent = paths[0].parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=parent, prefix=f".{paths[0].name}.", suffix=PART_SUFFIX
    ) as folder:
        yield Path(folder)
        for path in paths:
            (Path(folder) / path.name).replace(path)


def whole_path(part: Path) -> Path | None:
    """The file, or the first of the files, that a part was to become; None: it is none of ours.

    Example:
        >>> str(whole_path(Path("a.txt.0123abcd.part"))), whole_path(Path("film.part"))
        ('a.txt', None)
    """
    found = (_OF_FILES if part.is_dir() else _OF_FILE).fullmatch(part.name)
    return None if found is None else part.with_name(found[1])
