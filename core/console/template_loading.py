"""Templates of packages, whose icons are hidden from screen readers, and without scripts that nothing here needs.

Material Symbols are ligatures: an icon is a ``<span>`` whose text is its name, e.g. "space_dashboard", which a screen reader
would read out before every link and button. Unfold hides none of them, in some forty templates, and loads on every page a
library of charts and one that swaps parts of pages, 250 KB that nothing of the console calls. Both are mended here, once, as
the templates are read.
"""

import re
from typing import Final

from django.template.base import Origin
from django.template.loaders import app_directories

SPAN: Final = re.compile(r"<span( [^<>]*)>")
UNUSED: Final = re.compile(
    r"""[ \t]{0,40}<script src="{% static 'unfold/js/(?:chart/chart|htmx/htmx)\.js' %}"></script>\n"""
)


def with_hidden_icons(source: str) -> str:
    """A template whose icons say that they are decoration."""
    return SPAN.sub(_hidden, source)


def without_unused_scripts(source: str) -> str:
    """A template that loads neither charts nor htmx."""
    return UNUSED.sub("", source)


def _hidden(span: re.Match[str]) -> str:
    is_icon = "material-symbols-outlined" in span[1] and "aria-hidden" not in span[1]
    return f'<span aria-hidden="true"{span[1]}>' if is_icon else span[0]


class Loader(app_directories.Loader):
    """Django's loader of the templates that apps bring along."""

    def get_contents(self, origin: Origin) -> str:
        return without_unused_scripts(with_hidden_icons(super().get_contents(origin)))
