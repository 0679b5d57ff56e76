"""How fast tokens that are all due at once are refreshed: ``python -m bench.refresh [--tokens N] [--hurry FACTOR]``.

``--hurry`` multiplies the platform's limits and our rate alike, so that 20,000 tokens need minutes and not half an hour.
Prints the rate reached, as a share of ours; how many calls the platform refused for their frequency; whether those that
end first came first; and how quickly the web process answered meanwhile.
"""

import argparse
import statistics
import time

import httpx

from bench.portal import measured_portal, say
from tests.services.ports import free_port
from tests.services.refreshing import Refreshing

WINDOW = 200
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


def measure(portal: Refreshing, tokens: int, rate: float) -> None:
    port = free_port()
    arguments = ("-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port))
    portal.start(*arguments, environment=portal.environment).wait_for_port(port, seconds=60)
    refresher = portal.refresher()
    portal.scheduler()
    refresher.wait_until(lambda: portal.used() > 0, what="the first refresh", seconds=60)
    started, answers = time.monotonic(), []
    while (done := portal.used()) < tokens and time.monotonic() - started < 3 * tokens / rate + 60:
        asked = time.monotonic()
        httpx.get(f"http://127.0.0.1:{port}/healthz/ready", timeout=30).raise_for_status()
        answers.append(time.monotonic() - asked)
        time.sleep(1)
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
    say(
        f"web answered in {statistics.median(answers) * 1000:.0f} ms (median), {max(answers) * 1000:.0f} ms (slowest)"
    )


def out_of_order(grants: list[dict[str, float | str]]) -> int:
    """Grants refreshed further away from where their end would have put them than two looks at what is due."""
    return sum(abs(place - int(grant["number"])) > WINDOW for place, grant in enumerate(grants))


if __name__ == "__main__":
    main()
