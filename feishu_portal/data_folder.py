"""DATA_DIR: whose it is, and whether it is fit for what is kept there."""

import atexit
import os
import stat
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
FLEETING: Final = {"tmpfs", "ramfs", "overlay", "aufs"}
"""File systems that end with the machine or with the container."""


def make(folder: Path) -> None:
    """Make the folder, its owner's alone. What root makes belongs to whoever the folder above belongs to, and what root
    puts into somebody's folder becomes that person's at the end: the service is not root, and has to read and write it.

    Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return
    for one in reversed(missing):
        above = one.parent.stat()
        os.chown(one, above.st_uid, above.st_gid)
    atexit.register(give_to_owner, folder)


def give_to_owner(folder: Path) -> None:
    """Give what root made in it to the owner of the folder, who may have put anything there: so no link is followed, and no file
    given away that has another name elsewhere."""
    try:
        owner = folder.stat()
        if owner.st_uid == 0:
            return
        for path in folder.iterdir():
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                found = os.fstat(handle)
                is_file = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
                if found.st_uid == 0 and (is_file or stat.S_ISDIR(found.st_mode)):
                    os.fchown(handle, owner.st_uid, owner.st_gid)
            finally:
                os.close(handle)
    except OSError:
        return  # it may vanish meanwhile


def is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def is_open_to_others(folder: Path) -> bool:
    """Whether anybody on this machine may look into it."""
    return bool(folder.stat().st_mode & 0o007)


def fleeting_file_system(folder: Path) -> str:
    """The kind of the file system it is on, where that does not outlive the machine or the container; otherwise empty."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return ""  # not Linux
    mounts: dict[Path, str] = {}
    for line in lines:
        # 36 35 98:0 /root /mount/point rw,noatime shared:1 - ext3 /dev/root rw: proc(5). Blanks are written \040.
        where, _separator, what = line.partition(" - ")
        mounts[Path(where.split()[4].replace("\\040", " "))] = what.split()[0]
    resolved = folder.resolve()
    kind = next((mounts[one] for one in (resolved, *resolved.parents) if one in mounts), "")
    return kind if kind in FLEETING else ""
