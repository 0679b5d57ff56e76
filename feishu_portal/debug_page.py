"""Django's debug page, without secrets."""

from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class WithoutVariables(SafeExceptionReporterFilter):
    """Leaves the variables out of the traceback: with DEBUG on Django would show them all to everybody who opens the page,
    App Secret and user tokens among them."""

    def get_traceback_frame_variables(
        self,
        request: HttpRequest | None,  # noqa: ARG002 -- Django's signature
        tb_frame: FrameType,  # noqa: ARG002 -- Django's signature
    ) -> ItemsView[str, Any]:
        return ItemsView({})
