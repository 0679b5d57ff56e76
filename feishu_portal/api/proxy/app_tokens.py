"""The bots' own access tokens, for asyncio: a platform that hangs holds up the calls of its own bots alone."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from feishu.credentials import AppCredentials
from feishu.shared_result import shared
from feishu.tenant_tokens import default_tenant_tokens

THREADS = 8
REPLACED_EVERY = 60.0
"""Seconds in which a token of a bot is replaced once: a new one that is rejected too is no cure."""


class AppTokens:
    """Belongs to one event loop; shares its tokens with the rest of the process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="proxy-app-tokens")
        self._fetching: dict[AppCredentials, asyncio.Future[str]] = {}
        self._replaced_at: dict[str, float] = {}

    async def get(self, credentials: AppCredentials) -> str:
        """A token good for at least some seconds. Raises FeishuError."""
        if cached := default_tenant_tokens().cached(credentials):
            return cached
        fetching = self._fetching.get(credentials)
        if fetching is None:
            loop = asyncio.get_running_loop()
            fetching = loop.run_in_executor(self._threads, default_tenant_tokens().get, credentials)
            self._fetching[credentials] = fetching
            fetching.add_done_callback(lambda _done: self._fetching.pop(credentials, None))
        return await shared(fetching)

    async def replacement(self, credentials: AppCredentials, rejected: str) -> str | None:
        """Another token instead of one that was rejected; None where there is none. Raises FeishuError."""
        now = time.monotonic()
        if now - self._replaced_at.get(credentials.app_id, float("-inf")) < REPLACED_EVERY:
            current = default_tenant_tokens().cached(credentials)
            return current if current != rejected else None
        self._replaced_at[credentials.app_id] = now
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, default_tenant_tokens().invalidate, credentials, rejected)
        token = await self.get(credentials)
        return token if token != rejected else None

    def close(self) -> None:
        """Let go of the threads; one that still asks ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
