from core.metrics.labels import OTHER, BoundedLabels


def test_values_beyond_the_bound_are_one():
    labels = BoundedLabels(2)
    found = [labels.bounded(*values) for values in (("a", "1"), ("b", "1"), ("c", "1"), ("a", "1"))]
    assert found == [("a", "1"), ("b", "1"), (OTHER, OTHER), ("a", "1")]


def test_value_that_no_scrape_can_hold_is_other():
    labels = BoundedLabels(10)
    assert [labels.bounded(value) for value in ("\ud800", "x" * 10_000, "消息")] == [
        (OTHER,),
        (OTHER,),
        ("消息",),
    ]
