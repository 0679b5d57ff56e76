"""The page about the API is served by the portal alone, to everybody, in both languages."""

import json
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client


@pytest.mark.parametrize(
    ("language", "said"), [("zh-CN", "以英文列出"), ("en", "Operations, fields and errors of the API")]
)
def test_page_speaks_the_visitors_language(language, said):
    page = Client().get("/api/v1/docs", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert said in page.text


def test_page_asks_no_other_host_for_anything():
    text = Client().get("/api/v1/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(addresses) >= 6
    assert [address for address in addresses if not address.startswith("/") or address.startswith("//")] == []
    for address in addresses:
        if address.startswith("/static/"):
            assert finders.find(re.sub(r"^/static/\w+/", "", address)), address
    [settings] = re.findall(r'id="swagger-settings">(.*?)</script>', text, re.DOTALL)
    # Swagger UI shows a badge of its makers' site unless it is told not to.
    assert json.loads(settings)["validatorUrl"] is None
    assert json.loads(settings)["url"] == "/api/v1/openapi.json"


def test_no_script_of_the_page_stands_in_it():
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", Client().get("/api/v1/docs").text, re.DOTALL)
    assert len(scripts) == 3
    assert [code for attributes, code in scripts if code and "application/json" not in attributes] == []
