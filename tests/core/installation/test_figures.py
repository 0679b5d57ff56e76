import pytest

from core.installation.state import ACTIVE, Cause, PortalState
from core.installation.watch import watch
from tests.core.metrics.scraping import read_now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("cause", [None, Cause.SETTING, Cause.BEHIND])
def test_passive_portal_tells_its_cause_and_an_active_one_none(cause):
    before = watch.last
    watch.pin(ACTIVE if cause is None else PortalState(cause))
    try:
        told = read_now("feishu_passive")
    finally:
        watch.pin(before)
    assert {name for (name,), is_so in told.items() if is_so} == ({cause.value} if cause else set())
    assert len(told) == len(Cause)
