"""Where the folders that ship with the project are: beside the package, or inside an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(folder: str) -> Path:
    """The path of a shipped folder such as ``templates`` or ``config``."""
    installed = _PACKAGE / "shipped" / folder
    return installed if installed.is_dir() else _PACKAGE.parent / folder
