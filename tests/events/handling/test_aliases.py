from events.handling.aliases import ALIASES, resolve


def test_name_that_circulates_stands_for_the_real_one() -> None:
    alias = resolve("approval.approval.rejected_v1")
    assert (alias.event_type, alias.status) == ("approval_instance", "REJECTED")


def test_any_other_pattern_stands_for_itself() -> None:
    for pattern in ("im.message.receive_v1", "contact.user.*_v3", "*"):
        alias = resolve(pattern)
        assert (alias.event_type, alias.status) == (pattern, "")


def test_no_alias_leads_to_another_alias() -> None:
    assert [alias for alias in ALIASES.values() if alias.event_type in ALIASES] == []
