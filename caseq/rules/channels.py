"""Through which channel somebody looks at a case."""

from enum import StrEnum


class Channel(StrEnum):
    """A page, a program, or somebody of the bureau who reads it out on the telephone."""

    WEB = "web"
    API = "api"
    PHONE = "phone"
