"""What happens to a portal that was well: the series that say so."""

from tests.deploy.prometheus import portal
from tests.deploy.prometheus.portal import BREAK, BROKEN_AT, LENGTH, STEP, Series

OF_EVERY_PROCESS = ("feishu_database_up", "feishu_database_figures_failures_total")


def figure(metric: str, before: float, after: float, /, **labels: str) -> Series:
    """A figure of the database changes, as all processes tell."""
    return told_by_all(metric, portal.then(before, after), **labels)


def told_by_all(metric: str, values: str, /, **labels: str) -> Series:
    return {
        portal.selector(metric, *process, **labels): values
        for process in portal.PROCESSES
        if metric in OF_EVERY_PROCESS or process[0] in portal.TELLING
    }


def counted(process: str, metric: str, before: float, after: float, /, **labels: str) -> Series:
    """A counter of a kind of process grows otherwise, by so much in 15 s."""
    return {
        portal.selector(metric, kind, instance, **labels): portal.faster(before, after)
        for kind, instance in portal.PROCESSES
        if kind == process
    }


def told(process: str, metric: str, values: str, /, **labels: str) -> Series:
    return dict.fromkeys(counted(process, metric, 0, 0, **labels), values)


def lost(*processes: str, host: str = "") -> Series:
    """Processes of these kinds end: Prometheus scrapes them in vain."""
    found = {}
    for name, values in portal.well().items():
        if any(f'job="feishu-{process}", instance="{host}' in name for process in processes):
            found[name] = portal.then(1, 0) if name.startswith("up{") else portal.gone(values)
    return found


def stands_still(metric: str, /, **labels: str) -> Series:
    """A moment advances no longer."""
    known = [
        name
        for name in portal.well()
        if name.startswith(metric) and all(f'"{v}"' in name for v in labels.values())
    ]
    return dict.fromkeys(known, portal.stuck())


def restarted() -> Series:
    """Every process is away for one scrape, and counts from nothing afterwards: an upgrade."""
    found = {}
    for name, values in portal.well().items():
        begins = values.partition("x")[0]
        if name.startswith("up{"):
            found[name] = f"1x{BREAK - 1} 0 1x{LENGTH - BREAK - 1}"
        elif name.startswith("process_start_time"):
            found[name] = f"0x{BREAK - 1} stale {BROKEN_AT}x{LENGTH - BREAK - 1}"
        elif "_timestamp_seconds" in name:
            found[name] = f"0+{STEP}x{BREAK - 1} stale {BROKEN_AT + STEP}+{STEP}x{LENGTH - BREAK - 1}"
        else:
            found[name] = f"{begins}x{BREAK - 1} stale {begins}x{LENGTH - BREAK - 1}"
    return found


def ends_after(seconds: int, rate: float) -> str:
    """A counter that grows for a while only."""
    grown = seconds // STEP
    return f"0x{BREAK - 1} {rate}+{rate}x{grown - 1} {rate * grown}x{LENGTH - BREAK - grown - 1}"
