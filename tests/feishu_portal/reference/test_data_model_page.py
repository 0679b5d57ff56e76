"""The page of the data model is made of the models, every one of them, in both languages."""

import re

import pytest
from django.apps import apps

from core.vault.fields import encrypted_fields
from feishu_portal.reference import data_model_page
from feishu_portal.reference.data_model_page import APPS, documents, kept, models_of
from feishu_portal.settings_table import SettingsTable
from tests.services.processes import PROJECT

MODELS = [model for app in APPS for model in models_of(app)]


def test_pages_are_current():
    for path, text in documents().items():
        assert path.read_text() == text, "run make docs"


def test_every_app_with_models_is_there():
    ours = {
        config.label
        for config in apps.get_app_configs()
        if str(config.path).startswith(str(PROJECT))
        and ".venv" not in config.path
        and list(config.get_models())
    }
    assert ours == set(APPS)


def test_every_model_has_a_retention_and_none_is_left_over():
    assert set(kept()) == {model._meta.label for model in MODELS}


def test_model_without_a_retention_is_refused(monkeypatch):
    texts = kept()
    del texts["bots.Bot"]
    monkeypatch.setattr(data_model_page, "kept", lambda: texts)
    with pytest.raises(LookupError, match=r"bots\.Bot"):
        documents()


def test_every_model_has_a_chinese_name():
    [chinese] = [text for path, text in documents().items() if path.name.endswith(".zh.md")]
    tables = "|".join(model._meta.db_table for model in MODELS)
    rows = re.findall(rf"^\| `(?:{tables})` \| ([^|]+) \|", chinese, re.MULTILINE)
    assert len(rows) == len(MODELS)
    assert [name for name in rows if not re.search("[\u4e00-\u9fff]", name)] == []


def test_settings_that_are_named_exist():
    named = {name for text in kept().values() for name in re.findall(r"FEISHU_\w+", text.en_us)}
    assert named
    assert [name for name in named if not hasattr(SettingsTable, name)] == []
    for text in kept().values():
        assert re.findall(r"`\w+`", text.en_us) == re.findall(r"`\w+`", text.zh_cn)


def test_every_encrypted_column_and_relation_is_shown():
    for text in documents().values():
        for model in MODELS:
            row = next(line for line in text.splitlines() if line.startswith(f"| `{model._meta.db_table}` |"))
            for field in encrypted_fields(model):
                assert f"`{field.attname}`" in row
            for field in model._meta.concrete_fields:
                if field.is_relation:
                    assert re.search(rf"--\S+ {model.__name__} : {field.name}$", text, re.MULTILINE)


def test_every_column_is_listed_with_what_the_console_says_of_it():
    for text in documents().values():
        for model in MODELS:
            _, _, after = text.partition(f"<summary><code>{model._meta.db_table}</code></summary>")
            listed = re.findall(r"^\| `(\w+)` \|", after.partition("</details>")[0], re.MULTILINE)
            assert listed == [field.column for field in model._meta.concrete_fields]
    english, chinese = documents().values()
    assert "| `bot_id` | uuid → `bots_bot` |" in english
    for text, said in ((english, "name"), (chinese, "名称")):
        bot = text.partition("<code>bots_bot</code>")[2].partition("</details>")[0]
        assert re.search(
            rf"^\| `name` \| char\(\d+\) \| \| {'' if text is english else said}", bot, re.MULTILINE
        )
