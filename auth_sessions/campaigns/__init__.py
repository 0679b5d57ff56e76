"""Authorization campaigns: asking many people at once, and following who has authorized."""
