"""What every list of the console is made from."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote

from core.console.addresses import page

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.views import ChangeList


class ConsoleChangeList(ChangeList):
    """Puts the filters of the list behind the address of a row, so that its page leads back. Django would look up the page behind
    each address for that: a tenth of the time that a list takes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept_filters, self.preserved_filters = self.preserved_filters, ""

    def url_for_result(self, result: Any) -> str:
        # Django would put the address together anew for each row.
        route = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        url = page(quote(getattr(result, self.pk_attname)), route)
        return f"{url}?{self._kept_filters}" if self._kept_filters else url
