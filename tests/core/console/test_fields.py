"""Form fields of the console."""

import re

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import Bot
from core.console import fields
from core.console.fields import (
    LinesField,
    NamedChoiceField,
    NamedMultipleChoiceField,
    Removed,
    SecretField,
    check_no_blanks,
)
from tests.factories import make_bot


class SecretForm(forms.Form):
    secret = SecretField(label="Secret", help_text="")


def secret_form(data: dict[str, str], *, removable: bool = True) -> SecretForm:
    form = SecretForm(data, initial={"secret": "stored"})
    form.fields["secret"].widget.is_set = True
    form.fields["secret"].widget.removable = removable
    return form


def test_stored_secret_is_never_rendered() -> None:
    html = str(secret_form({})["secret"])
    assert "stored" not in html
    assert 'name="secret-remove"' in html


@pytest.mark.parametrize(
    ("data", "removable", "value", "has_changed"),
    [
        ({}, True, "", False),
        ({"secret": "new"}, True, "new", True),
        ({"secret-remove": "1"}, True, Removed(), True),
        ({"secret-remove": "1", "secret": "new"}, True, "new", True),
        ({"secret-remove": "1"}, False, "", False),
    ],
    ids=["empty keeps it", "another one", "removed", "another one wins", "not removable"],
)
def test_secret_is_kept_replaced_or_removed(data, removable, value, has_changed) -> None:
    form = secret_form(data, removable=removable)
    assert form.is_valid()
    assert form.cleaned_data["secret"] == value
    assert isinstance(form.cleaned_data["secret"], Removed) == isinstance(value, Removed)
    assert form.has_changed() == has_changed


def test_lines_are_entries_without_blanks_at_their_ends_and_without_repetitions() -> None:
    assert LinesField(required=False).clean(" a \r\n\nb\na") == ["a", "b"]
    assert LinesField(required=False).prepare_value(["a", "b"]) == "a\nb"


def test_lines_are_limited_and_each_is_checked() -> None:
    field = LinesField(required=False, check=check_no_blanks, most=2)
    assert field.clean("a\nb") == ["a", "b"]
    for wrong in ("a\nb\nc", "a b"):
        with pytest.raises(ValidationError):
            field.clean(wrong)


def test_lines_have_changed_where_their_entries_have() -> None:
    field = LinesField(required=False)
    assert not field.has_changed(["a", "b"], " a\nb\n")
    assert field.has_changed(["a", "b"], "b\na")


@pytest.mark.django_db
def test_rows_are_chosen_by_their_names_without_being_loaded(django_assert_num_queries) -> None:
    class Form(forms.Form):
        bot = NamedChoiceField(queryset=Bot.objects.all(), empty_label=None)

    first, second = make_bot(name="A & B"), make_bot(name="C")
    form = Form(initial={"bot": second.pk})
    with django_assert_num_queries(2):  # Django looks at the first choice before it draws all
        html = str(form["bot"])
    assert f'<option value="{first.pk}">A &amp; B</option>' in html
    assert f'<option value="{second.pk}" selected>C</option>' in html
    field = form.fields["bot"]
    assert [field.chosen(value) for value in (str(first.pk), "no key", None)] == [first, None, None]


class ManyForm(forms.Form):
    bots = NamedMultipleChoiceField(Bot.objects.all(), label="Bots", detail="app_id", required=False)


def boxes(form: forms.Form) -> list[tuple[str, bool, str]]:
    found = re.findall(r'name="bots" value="([^"]+)"( checked)?> <span>([^<]*)<', str(form["bots"]))
    return [(key, bool(checked), called) for key, checked, called in found]


@pytest.mark.django_db
def test_any_of_many_rows_are_chosen_without_being_loaded() -> None:
    second, first = make_bot(name="B"), make_bot(name="A & B")
    form = ManyForm(initial={"bots": [second.pk]})
    with CaptureQueriesContext(connection) as queries:
        assert boxes(form) == [(str(second.pk), True, "B"), (str(first.pk), False, "A &amp; B")]
    assert [query["sql"].count("app_secret") for query in queries] == [0]
    assert first.app_id in str(form["bots"])


@pytest.mark.django_db
def test_what_is_chosen_is_listed_beyond_the_bound_and_after_an_error(monkeypatch) -> None:
    monkeypatch.setattr(fields, "MOST_CHOICES", 1)
    *_, last = [make_bot(name=name) for name in "ABC"]
    form = ManyForm({"bots": [str(last.pk), "no key"]})
    assert form.errors["bots"]
    assert [(checked, called) for _, checked, called in boxes(form)] == [(True, "C"), (False, "A")]
    assert "前 1 项" in str(form["bots"])


@pytest.mark.django_db
def test_only_what_is_offered_can_be_chosen() -> None:
    offered, other = make_bot(), make_bot()
    form = ManyForm({"bots": [str(other.pk)]})
    form.fields["bots"].queryset = Bot.objects.filter(pk=offered.pk)
    assert not form.is_valid()
    assert boxes(form) == [(str(offered.pk), False, offered.name)]


@pytest.mark.django_db
def test_empty_list_of_choices_says_so() -> None:
    assert "暂无可选项。" in str(ManyForm()["bots"])
