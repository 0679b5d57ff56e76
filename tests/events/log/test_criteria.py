"""Criteria can be stored and read again."""

import json
from uuid import uuid4

import pytest

from events.log.criteria import EventCriteria
from tests.events.log.rows import NOW


def test_criteria_survive_being_written_down() -> None:
    criteria = EventCriteria(
        bots=(uuid4(),), event_type="x", statuses=("dead",), since=NOW, text="你好", pks=(1, 2)
    )
    assert EventCriteria.from_json(json.loads(json.dumps(criteria.as_json()))) == criteria
    assert EventCriteria.from_json(EventCriteria(bots=()).as_json()) == EventCriteria(bots=())
    with pytest.raises(ValueError, match="unknown"):
        EventCriteria.from_json({"payload": "x"})
