from feishu_portal.alerts.notifications import MAX_ALERTS, firings
from tests.feishu_portal.alerts.messages import alert, message, read


def test_content_is_bounded_and_the_longest_firing_alerts_come_first() -> None:
    many = [
        alert(
            labels={"alertname": "Down", "instance": f"{number:04d}"},
            starts_at=f"2026-11-29T08:{number % 60:02d}:00Z",
        )
        for number in range(300)
    ]
    content = read(message(alert(resolved=True), *many, truncatedAlerts=5)).content
    assert len(content["alerts"]) == MAX_ALERTS
    assert content["more"] == 301 - MAX_ALERTS + 5
    assert content["resolved"] == 1
    assert {one["starts_at"] for one in content["alerts"][:5]} == {"2026-11-29T08:00:00+00:00"}


def test_long_and_unstorable_texts_are_cut() -> None:
    labels = {"alertname": "A\x00B", "long": "x" * 10_000} | {f"label{number}": "v" for number in range(200)}
    content = read(
        message(alert(labels=labels, annotations={"summary": "s" * 10_000, "secret": "no"}))
    ).content
    [kept] = content["alerts"]
    assert kept["labels"]["alertname"] == "AB"
    assert len(kept["labels"]) == 30
    assert {name: len(text) for name, text in kept["annotations"].items()} == {"summary": 1000}


def test_an_end_that_lies_ahead_is_no_change() -> None:
    moving = [alert(endsAt=f"2026-11-29T08:0{minute}:00Z") for minute in (5, 9)]
    assert read(message(moving[0])).content == read(message(moving[1])).content


def test_an_alert_without_a_fingerprint_gets_one_of_its_labels() -> None:
    one, other = (
        read(message(alert(labels={"alertname": name}, fingerprint=""))).content for name in ("One", "Other")
    )
    assert firings(one).isdisjoint(firings(other))
    assert len(firings(one)) == 1


def test_title_is_the_alerts_name_or_what_the_group_goes_by() -> None:
    both = (alert("One"), alert("Other"))
    assert read(message()).title == "NobodyWorks"
    assert (
        read(message(*both, groupLabels={"cluster": "a", "az": "b"}, commonLabels={})).title
        == "az=b cluster=a"
    )
    assert read(message(*both, groupLabels={}, commonLabels={})).title == "alert"


def test_silence_matches_the_group_and_never_everything() -> None:
    assert read(message()).silence_matchers == [("alertname", "NobodyWorks")]
    ungrouped = {"groupLabels": {}}
    assert ("severity", "critical") in read(message(**ungrouped)).silence_matchers
    assert read(message(**ungrouped, commonLabels={})).silence_matchers == []


def test_labels_that_were_cut_would_match_others_and_silence_nothing() -> None:
    assert read(message(groupLabels={"path": "x" * 301})).silence_matchers == []
    assert read(message(groupLabels={"path": "a\x00b"})).silence_matchers == []
