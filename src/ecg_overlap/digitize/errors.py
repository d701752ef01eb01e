"""The error of the digitizer: a picture that gives no signal that could be trusted."""

from data_gen.errors import InputError


class DigitizeError(InputError):
    """A stage of the digitization refuses this picture.

    Args:
        where: The stage, or the file and the stage.
        what: What is wrong with the picture.
        remedy: What the user can give or do.

    Example:
        >>> print(DigitizeError("grid", "no grid was found", "give px_per_mm"))
        grid: no grid was found; give px_per_mm
    """

    def kept(self) -> "DigitizeError":
        """The error to be raised later: without the frames it came through, which hold pictures."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)
