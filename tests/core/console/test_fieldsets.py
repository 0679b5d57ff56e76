from core.console.fieldsets import without


def test_hidden_fields_go_and_with_the_last_of_them_their_section() -> None:
    given = [(None, {"fields": ("call", "state"), "description": "d"}), ("Outcome", {"fields": ("sent",)})]
    assert without(given, {"state", "sent"}) == [(None, {"fields": ("call",), "description": "d"})]
    assert without(given, ()) == given
