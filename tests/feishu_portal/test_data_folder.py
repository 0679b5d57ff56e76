import os
import stat

import pytest

from feishu_portal import data_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for somebody else")
SOMEBODY = 12345
MOUNTINFO = """\
22 1 0:20 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 22 8:1 /volume {volume} rw,relatime shared:5 master:1 - ext4 /dev/sda1 rw
25 22 0:22 / {memory} rw,nosuid - tmpfs tmpfs rw,size=64k
"""


def owner(path) -> int:
    return path.lstat().st_uid


def test_folder_is_its_owners_alone(tmp_path):
    folder = tmp_path / "portal" / "data"
    data_folder.make(folder)
    data_folder.make(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert data_folder.is_writable(folder)


@as_root
def test_folders_that_root_makes_belong_to_the_owner_of_the_one_above(tmp_path):
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    data_folder.make(tmp_path / "portal" / "data")
    assert owner(tmp_path / "portal") == owner(tmp_path / "portal" / "data") == SOMEBODY


@as_root
def test_files_that_root_makes_are_given_to_the_owner_of_the_folder_and_nothing_from_elsewhere_is(tmp_path):
    folder, elsewhere = tmp_path / "data", tmp_path / "shadow"
    folder.mkdir()
    elsewhere.touch()
    os.chown(folder, SOMEBODY, SOMEBODY)
    (folder / "portal.sqlite3").touch()
    (folder / "refresh-spool").mkdir()
    (folder / "hard link").hardlink_to(elsewhere)
    data_folder.give_to_owner(folder)
    assert owner(folder / "portal.sqlite3") == owner(folder / "refresh-spool") == SOMEBODY
    (folder / "link").symlink_to(elsewhere)
    data_folder.give_to_owner(folder)
    assert owner(elsewhere) == 0


@as_root
def test_roots_own_folder_stays_as_it_is(tmp_path):
    (tmp_path / "portal.sqlite3").touch()
    os.chown(tmp_path / "portal.sqlite3", SOMEBODY, SOMEBODY)
    data_folder.give_to_owner(tmp_path)
    data_folder.give_to_owner(tmp_path / "gone")
    assert owner(tmp_path / "portal.sqlite3") == SOMEBODY


def test_others_may_look_into_it(tmp_path):
    tmp_path.chmod(0o750)
    assert not data_folder.is_open_to_others(tmp_path)
    tmp_path.chmod(0o755)
    assert data_folder.is_open_to_others(tmp_path)


def test_file_system_that_ends_with_the_container_is_told_from_a_volume(tmp_path, monkeypatch):
    volume, memory = tmp_path / "volume with blanks", tmp_path / "memory"
    for folder in (volume, memory):
        (folder / "data").mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTINFO.format(volume=str(volume).replace(" ", "\\040"), memory=memory))
    monkeypatch.setattr(data_folder, "MOUNTS", mounts)
    assert data_folder.fleeting_file_system(tmp_path) == "overlay"
    assert data_folder.fleeting_file_system(volume / "data") == ""
    assert data_folder.fleeting_file_system(memory / "data") == "tmpfs"
    monkeypatch.setattr(data_folder, "MOUNTS", tmp_path / "no such file")
    assert data_folder.fleeting_file_system(memory) == ""
