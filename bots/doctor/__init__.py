"""The doctor: looks a bot over, at home and at the platform, and says what is wrong and what to do about it."""

from bots.doctor.examination import examination, examine, examine_setup
from bots.doctor.findings import Check, CheckResult, Finding

__all__ = ["Check", "CheckResult", "Finding", "examination", "examine", "examine_setup"]
