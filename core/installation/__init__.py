"""Whether the database that this process works with is the installation's own, or a copy of it.

A copy that acted would open the bots' connections, exchange refresh tokens that work once, and send cards and deliveries a second
time. So a process whose database was dumped and restored, cloned or put back stays passive until ``manage.py adoptrestore``.

``place`` says where the database lies, ``witness`` how far this host has seen it, ``state`` compares both with what is stored,
and ``watch`` is what the rest of a process asks.
"""
