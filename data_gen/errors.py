"""The one error that bad input raises: what is wrong, where, and the remedy."""


class InputError(ValueError):
    """Input that cannot be used.

    The entries print its message as one line and exit with status 1; every other
    exception is a defect of ours and keeps its traceback.

    Args:
        where: The file, record, option or stage concerned.
        what: What is wrong with it.
        remedy: What the user can do about it.

    Example:
        >>> print(InputError("crop.png", "no grid was found", "give --px-per-mm"))
        crop.png: no grid was found; give --px-per-mm
    """

    def __init__(self, where: object, what: str, remedy: str) -> None:
        super().__init__(f"{where}: {what}; {remedy}")
        self.where, self.what, self.remedy = str(where), what, remedy

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        # The default would unpickle from the joined message alone and fail on its
        # way back from a worker process.
        return type(self), (self.where, self.what, self.remedy)
