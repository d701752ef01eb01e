"""Arrays and values as PNG, NPY and JSON bytes, those bytes as whole files, and their digests."""

import hashlib
import io
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.whole_file import whole_file


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """Turns what the file system refuses into one clear line.

    Raises:
        InputError: The folder or a file in it cannot be written or read.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            error.filename or out,
            f"cannot be written ({error.strerror or error})",
            "choose another out=, or mend this and run again to resume",
        ) from error


def write_whole(path: Path, content: bytes) -> str:
    """Writes a file whole or not at all.

    Returns:
        SHA-256 of the content, in hex.
    """
    with whole_file(path) as part:
        part.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_file(file: Path) -> Path:
    """Where the digest of a file lies."""
    return file.with_name(file.name + ".sha256")


def check_digest(file: Path) -> str:
    """The file's SHA-256, in hex, compared with the digest beside it if there is one.

    Raises:
        InputError: They differ.
    """
    found = sha256(file)
    beside = digest_file(file)
    if beside.is_file() and beside.read_text(encoding="utf-8").split()[:1] != [found]:
        raise InputError(
            file,
            f"damaged: its SHA-256 is not the one in {beside.name}",
            "install or export it anew",
        )
    return found


def png_bytes(image: NDArray[np.uint8], *, compression: int = 1) -> bytes:
    """An RGB (H, W, 3) or gray (H, W) picture as PNG.

    Level 1 writes ECG pictures several times faster than the default and a little larger.

    Raises:
        InputError: The picture has no pixels.
    """
    if image.size == 0:
        raise InputError("picture", f"its size is {image.shape}", "draw at least one pixel")
    stored = image[..., ::-1] if image.ndim == 3 else image
    done, buffer = cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, compression])
    assert done
    return buffer.tobytes()


def picture_from(content: bytes, where: object, *, gray: bool = False) -> NDArray[np.uint8]:
    """The RGB uint8 (H, W, 3) or gray uint8 (H, W) picture in PNG, BMP or JPEG bytes.

    Raises:
        InputError: The bytes are no picture.
    """
    flag = cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flag) if content else None
    except cv2.error:  # a header of more pixels than OpenCV takes
        decoded = None
    if decoded is None:
        raise InputError(where, "is no picture that can be read", "replace the damaged file")
    picture = decoded if gray else decoded[..., ::-1]
    return np.ascontiguousarray(picture, np.uint8)


def read_picture(path: Path, *, gray: bool = False) -> NDArray[np.uint8]:
    """`picture_from` a file."""
    return picture_from(path.read_bytes(), path, gray=gray)


def npy_bytes(array: NDArray[Any]) -> bytes:
    """An array as NPY."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def array_from(content: bytes, where: object) -> NDArray[Any]:
    """The array in NPY bytes; no more memory is asked for than they can fill.

    Raises:
        InputError: They are no array, or fewer bytes than its header claims.
    """
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        shape, _, dtype = (
            np.lib.format.read_array_header_1_0(stream)
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0(stream)
        )
        claimed, there = math.prod(shape) * dtype.itemsize, len(content) - stream.tell()
        if claimed != there or dtype.hasobject:
            raise ValueError(f"{claimed} bytes of {dtype} are claimed, {there} are there")
        stream.seek(0)
        return np.asarray(np.load(stream, allow_pickle=False))
    except (ValueError, EOFError, TypeError) as error:
        raise InputError(where, f"is no array ({error})", "replace the damaged file") from None


def json_bytes(value: Any, *, indent: int | None = None) -> bytes:
    """A value as JSON with sorted keys, so that equal values are equal bytes."""
    return (json.dumps(value, indent=indent, sort_keys=True) + "\n").encode()


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        InputError: The file is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"is no JSON ({error})", "replace the damaged file") from None
