"""How fast tokens that are all due at once are refreshed: ``python -m bench.refresh [--tokens N] [--hurry FACTOR]``.

``--hurry`` multiplies the platform's limits and our rate alike, so that 20,000 tokens need minutes and not half an hour.
Prints the rate reached, as a share of ours; how many calls the platform refused for their frequency; whether those that
end first came first; and how quickly the API handed out tokens before and meanwhile.
"""

import argparse
import itertools
import statistics
import time

import httpx2

from bench.portal import MeasuredPortal, measured_portal
from bench.report import say
from tests.services.platform import APP_ID

WINDOW = 200
READS = 100  # tokens read before the storm, to compare
DONE = "refreshed_at IS NOT NULL"
RATE = 15.0  # FEISHU_REFRESH_PER_SECOND as it is by default


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--hurry", type=float, default=4.0)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds the platform takes to answer")
    options = parser.parse_args()
    rate = RATE * options.hurry
    with measured_portal(
        FEISHU_REFRESH_PER_SECOND=str(rate), FEISHU_REFRESH_LEASE_SECONDS="45", FEISHU_SWEEP_SECONDS="1"
    ) as portal:
        portal.sandbox.settings(rate_scale=options.hurry)
        portal.sandbox.faults(token={"latency": options.latency})
        portal.put_grants(options.tokens, access_seconds=1800)
        measure(portal, options.tokens, rate)


def measure(portal: MeasuredPortal, tokens: int, rate: float) -> None:
    url, _web = portal.web()
    api = httpx2.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {portal.api_key()}"})
    people = itertools.cycle(portal.people())
    quiet = [_token_read(api, next(people)) for _ in range(READS)]
    refresher = portal.refresher()
    portal.scheduler()
    refresher.wait_until(lambda: portal.count(DONE) > 0, what="the first refresh", seconds=120)
    already, started, answers = portal.count(DONE), time.monotonic(), []
    while (done := portal.count(DONE)) < tokens and time.monotonic() - started < 3 * tokens / rate + 60:
        answers += [_token_read(api, next(people)) for _ in range(4)]
        time.sleep(1)
    done -= already
    seconds = time.monotonic() - started
    grants = sorted(
        (grant for grant in portal.grants() if grant["refreshed_at"]), key=lambda grant: grant["refreshed_at"]
    )
    submissions = sum(book["submissions"] for book in portal.sandbox.refresh_books())
    say(
        f"{done} of {tokens} tokens in {seconds:.0f} s: {done / seconds:.1f}/s, {done / seconds / rate:.0%} of {rate:g}/s"
    )
    say(f"submissions {submissions}, refused for frequency {refresher.output.count('99991400')}")
    say(f"out of order by more than a window: {out_of_order(grants)}")
    say(f"token reads before: {_spread(quiet)}; meanwhile: {_spread(answers)}")


def _token_read(api: httpx2.Client, open_id: str) -> float:
    """Milliseconds until the API has handed out a token."""
    asked = time.perf_counter()
    api.post(f"/api/v1/bots/{APP_ID}/users/{open_id}/token", json={}).raise_for_status()
    return (time.perf_counter() - asked) * 1000


def _spread(values: list[float]) -> str:
    return (
        f"{len(values)} in {statistics.median(values):.0f} ms (median), "
        f"{statistics.quantiles(values, n=100)[98]:.0f} ms (p99), {max(values):.0f} ms (slowest)"
    )


def out_of_order(grants: list[dict[str, float | str]]) -> int:
    """Grants refreshed further away from where their end would have put them than two looks at what is due."""
    return sum(abs(place - int(grant["number"])) > WINDOW for place, grant in enumerate(grants))


if __name__ == "__main__":
    main()
