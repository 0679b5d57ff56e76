"""Benches run by hand and seldom: what they import is renamed without anybody noticing, unless this does."""

import importlib
import re
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
BENCHES = sorted(set(re.findall(r"-m (bench\.\w+)", MAKEFILE.read_text())))


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_of_the_makefile_explains_itself(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main()
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out
