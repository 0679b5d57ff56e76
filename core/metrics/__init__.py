"""Metrics: how they are declared, bounded, read from the database and put together for a scrape.

Each app declares its own in its ``metrics.py``, next to their subject; ``feishu_portal.runtime`` serves them.
"""
