from uuid import uuid4

import pytest
from django.utils import timezone

from core.installation import witness
from core.installation.witness import Witness


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_what_was_seen_is_read_again():
    seen = Witness(uuid4(), timezone.now())
    witness.write(seen)
    witness.write(seen)
    assert witness.read() == seen


def test_host_that_has_seen_nothing_knows_nothing():
    assert witness.read() is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"identity": 1, "marked_at": 2}',
        "\udcff",
        '{"identity": "4c0a0b4e-8d3c-4a44-9d8e-0d5a6d1f0a11", "marked_at": "2026-01-01"}',
    ],
)
def test_file_that_says_nothing_is_as_good_as_none(folder, content):
    (folder / "installation.json").write_bytes(content.encode(errors="surrogateescape"))
    assert witness.read() is None


def test_folder_that_is_not_there_costs_nothing_else(settings, folder):
    settings.DATA_DIR = folder / "gone"
    witness.write(Witness(uuid4(), timezone.now()))
    assert witness.read() is None
