"""Reading this process's metrics the way Prometheus does."""

from prometheus_client.parser import text_string_to_metric_families

from core.metrics.facts import FIGURES
from core.metrics.registry import exposition


def series(name: str, text: str | None = None) -> dict[tuple[str, ...], float]:
    """Samples of that name by the values of their labels, in the order of the labels' names."""
    families = text_string_to_metric_families(exposition().decode() if text is None else text)
    return {
        tuple(value for _label, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def value(sample: str, *labels: str) -> float:
    """0 for one that is not there yet."""
    return series(sample).get(labels, 0.0)


def read_now(name: str) -> dict[tuple[str, ...], float]:
    """The same for what the database knows, read again."""
    FIGURES._read_until = float("-inf")
    FIGURES.refresh(seconds=60)
    return series(name)
