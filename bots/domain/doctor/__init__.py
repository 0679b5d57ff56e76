"""The doctor: looks a bot over, at home and at the platform, and says what is wrong and what to do about it."""

from bots.domain.doctor.examination import examination, examine
from bots.domain.doctor.findings import Check, Finding, Verdict

__all__ = ["Check", "Finding", "Verdict", "examination", "examine"]
