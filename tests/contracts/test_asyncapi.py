"""The description of events is one of AsyncAPI's, by the schema that AsyncAPI publishes."""

import json

import jsonschema_rs
import pytest
import yaml

from tests.contracts.foreign import MODULES, need
from tests.services.processes import PROJECT

pytestmark = pytest.mark.processes


def test_document_fits_asyncapis_schema():
    specs = MODULES / "@asyncapi" / "specs" / "schemas"
    need(specs)
    document = yaml.safe_load((PROJECT / "docs/reference/asyncapi.yaml").read_text())
    schema = json.loads((specs / f"{document['asyncapi']}.json").read_text())
    faults = [error.message for error in jsonschema_rs.Draft7Validator(schema).iter_errors(document)]
    assert faults == []
    broken = {**document, "operations": {"push": {"action": "shout"}}}
    assert not jsonschema_rs.Draft7Validator(schema).is_valid(broken)
