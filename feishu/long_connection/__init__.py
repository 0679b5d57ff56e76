"""The long connection: one WebSocket on which the platform pushes events and card clicks.

`session`, `fragments`, `discovery`, `backoff` and `config` are pure; `connection` is the asyncio shell.
"""
