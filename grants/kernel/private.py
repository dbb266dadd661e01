"""Keeps what the service writes on this machine unreadable by the machine's other users."""

import os
from collections.abc import Iterator
from pathlib import Path

OTHERS = 0o077


def by_default() -> None:
    """From here on, files and folders that this process makes belong to its user alone."""
    os.umask(OTHERS)


def close(folder: Path) -> None:
    """Take away what others may do with the folder and with what it holds."""
    for path in _within(folder):
        mode = path.stat().st_mode & 0o777
        if mode & OTHERS:
            path.chmod(mode & ~OTHERS)


def open_to_others(folder: Path) -> list[str]:
    """The names of what other users may read or change; nothing when the folder itself is closed to them."""
    if not folder.exists() or not folder.stat().st_mode & OTHERS:
        return []
    return sorted(path.name for path in _within(folder) if path.stat().st_mode & OTHERS)


def _within(folder: Path) -> Iterator[Path]:
    """The folder, its files, and the folders right below it: these close what lies deeper."""
    yield folder
    yield from (path for path in folder.iterdir() if not path.is_symlink())
