"""The doctor: looks a bot over, at home and at the platform, and says what is wrong and what to do about it."""
