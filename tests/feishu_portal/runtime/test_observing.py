import logging

import pytest
from celery import signals

from core import __version__
from feishu_portal.celery import say_start
from feishu_portal.runtime.observing import begin_observing


def test_start_line_says_program_and_version(caplog):
    caplog.set_level(logging.INFO)
    begin_observing("runfeishu")
    [line] = caplog.records
    assert (line.getMessage(), line.program, line.version) == ("process_started", "runfeishu", __version__)


@pytest.mark.parametrize(
    ("signal", "program"), [(signals.worker_init, "worker"), (signals.beat_init, "beat")]
)
def test_celerys_programs_say_which_they_are(caplog, signal, program):
    caplog.set_level(logging.INFO)
    say_start(signal=signal)
    assert caplog.records[-1].program == program
