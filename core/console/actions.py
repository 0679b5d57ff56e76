"""Buttons of a page, and the pages that ask before something is done.

A button is a link. An action that changes anything has a page that asks, and is done by that page's POST. Operators who may
change nothing see no button and get no page of what changes something.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from unfold.decorators import action as unfold_action
from unfold.enums import ActionVariant

from core.access.models import User

if TYPE_CHECKING:
    from django.contrib import admin
    from django.db.models import Model

    from core.console.base import ConsoleAdmin

A = TypeVar("A", bound="admin.ModelAdmin[Any]")
C = TypeVar("C", bound="ConsoleAdmin[Any]")
RowPage: TypeAlias = Callable[[A, HttpRequest, str], HttpResponseBase]
ListPage: TypeAlias = Callable[[A, HttpRequest], HttpResponseBase]
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Question:
    """The question before an action; ``submit`` is the button that does it, empty where the form is only read."""

    title: Words
    text: Words
    submit: Words
    danger: bool = False


def button(
    description: Words, *, icon: str, path: str, colour: str = "default", changes: bool = True
) -> Callable[[RowPage[A]], RowPage[A]]:
    """Marks a method ``(request, object_id)`` as one of ``actions_detail`` or ``actions_row``; one that ``changes`` nothing is
    for every role."""
    mark: Callable[[RowPage[A]], RowPage[A]] = unfold_action(
        description=description, icon=icon, url_path=path, variant=ActionVariant(colour)
    )
    return lambda page: mark(_for_managers(page) if changes else page)


def list_button(
    description: Words, *, icon: str, path: str, colour: str = "primary", changes: bool = True
) -> Callable[[ListPage[A]], ListPage[A]]:
    """Marks a method ``(request)`` as one of ``actions_list``; see ``button``."""
    mark: Callable[[ListPage[A]], ListPage[A]] = unfold_action(
        description=description, icon=icon, url_path=path, variant=ActionVariant(colour)
    )
    return lambda page: mark(_for_managers(page) if changes else page)


def is_changing(page: Callable[..., Any]) -> bool:
    """Whether the method of a button is for those alone who may change something."""
    return getattr(page, "is_for_managers", False)


def _for_managers(page: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(page)
    def guarded(self: Any, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        refuse_unless_manager(request)
        return page(self, request, *arguments, **named)

    guarded.is_for_managers = True  # type: ignore[attr-defined]
    return guarded


def refuse_unless_manager(request: HttpRequest) -> None:
    """Raises PermissionDenied for operators who may change nothing."""
    user = request.user
    if not (isinstance(user, User) and user.may_manage):
        raise PermissionDenied


def confirmed(
    question: Question | Callable[[Any], Question],
) -> Callable[[Callable[[C, HttpRequest, Any], HttpResponseBase | None]], RowPage[C]]:
    """Makes an action ``(request, row)`` into a page ``(request, object_id)`` that asks first.

    The question may depend on the row. The action returns None to go back to the page of its button.
    """

    def decorate(do: Callable[[C, HttpRequest, Any], HttpResponseBase | None]) -> RowPage[C]:
        @wraps(do)
        def page(self: C, request: HttpRequest, object_id: str) -> HttpResponseBase:
            row = self.visible_or_404(request, unquote(object_id))
            if request.method != "POST":
                return ask(
                    request, self, question if isinstance(question, Question) else question(row), row=row
                )
            return do(self, request, row) or HttpResponseRedirect(self.page_after(request, row))

        return page

    return decorate


class ChosenForm(forms.Form):
    """Carries the chosen rows and the action over the page that asks."""

    action = forms.CharField(widget=forms.HiddenInput)
    _selected_action = forms.CharField(widget=forms.MultipleHiddenInput)
    sure = forms.CharField(widget=forms.HiddenInput)


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the page that asks about many rows was submitted."""
    return "sure" in request.POST


def ask_about(
    request: HttpRequest,
    model_admin: "admin.ModelAdmin[Any]",
    question: Question,
    *,
    action: str,
    rows: "Sequence[Model]",
) -> TemplateResponse:
    """The page that asks before ``action`` is done with many rows; its form carries the same choice."""
    chosen = {"action": action, ACTION_CHECKBOX_NAME: [str(row.pk) for row in rows], "sure": "yes"}
    return ask(request, model_admin, question, form=ChosenForm(initial=chosen))


def ask(
    request: HttpRequest,
    model_admin: "admin.ModelAdmin[Any]",
    question: Question,
    *,
    form: forms.Form | None = None,
    row: "Model | None" = None,
) -> TemplateResponse:
    """The page that asks before something is done; it posts to its own address."""
    if row is not None:
        row.page_title = cast("ConsoleAdmin[Any]", model_admin).title_of(row)  # type: ignore[attr-defined]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "title": question.title,
        "question": question,
        "form": form,
        "media": model_admin.media + form.media if form else model_admin.media,
    }
    return TemplateResponse(request, "admin/ask.html", context)
