from core.console.live.digests import digest_of


def test_same_facts_have_one_digest_and_others_another() -> None:
    facts = ("connected", 2, None)

    assert digest_of(facts) == digest_of(("connected", 2, None))
    assert digest_of(facts) != digest_of(("connected", 3, None))
