"""What the forms of the desks have in common."""

from flask import request


def number_in(name: str) -> int:
    """The id in this field of the form, 0 if there is none: nothing has that id."""
    typed = request.form.get(name, "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else 0
