"""Checks of settings, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OUT_OF_RANGE = "Setting {name} = {value!r} is out of range."


def check_fields(
    settings: object,
    checks: Mapping[str, bool],
    sentence: str = OUT_OF_RANGE,
    error: type[Exception] = ValueError,
) -> None:
    """Raise an error that names the first field that is not valid.

    Parameters
    ----------
    settings : object
        With the fields.
    checks : mapping of str to bool
        By the name of each field, whether it is valid.
    sentence : str
        What the error says, with places for the `name` and the `value` of the field.
    error : type
        Of the error.

    Examples
    --------
    >>> check_fields(3 + 4j, {"real": True, "imag": False})
    Traceback (most recent call last):
    ValueError: Setting imag = 4.0 is out of range.
    """
    for name, valid in checks.items():
        if not valid:
            raise error(sentence.format(name=name, value=getattr(settings, name)))
