"""Files of pages are kept for as long as they stay the same, and are compressed on their way."""

import zlib

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static

from feishu_portal.front.static_files import FOREVER, release

NAME = "portal/console.css"


def body_of(answer) -> bytes:
    return b"".join(answer)


def test_address_names_the_release_of_all_files():
    assert static(NAME) == f"/static/{release()}/{NAME}"
    assert len(release()) == 12


def test_release_changes_with_the_contents_of_any_file(monkeypatch):
    before = release.__wrapped__()
    assert release.__wrapped__() == before
    listed = [(path, storage) for finder in finders.get_finders() for path, storage in finder.list(None)]

    class Fewer:
        def list(self, _ignored):
            return iter(listed[1:])

    monkeypatch.setattr(finders, "get_finders", lambda: [Fewer()])
    assert release.__wrapped__() != before


def test_file_of_this_release_is_kept_for_a_year(client):
    answer = client.get(static(NAME))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == FOREVER
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("address", [f"/static/{NAME}", f"/static/0123456789ab/{NAME}"])
def test_file_without_a_release_or_of_another_one_is_served_and_soon_asked_for_again(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    assert "max-age=60" in answer["Cache-Control"]


@pytest.mark.parametrize("name", [NAME, "portal/icon.svg", "unfold/css/styles.css"])
def test_text_is_compressed_for_those_who_take_it(client, name):
    plain = body_of(client.get(static(name)))
    answer = client.get(static(name), headers={"accept-encoding": "gzip, br"})
    assert answer["Content-Encoding"] == "gzip"
    # One gzip file, however long: of several in a row a browser reads the first.
    assert zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body_of(answer)) == plain


def test_font_and_part_of_a_file_are_not_compressed(client):
    font = client.get(static("unfold/fonts/inter/Inter-Regular.woff2"), headers={"accept-encoding": "gzip"})
    assert font.status_code == 200
    assert "Content-Encoding" not in font
    part = client.get(static(NAME), headers={"accept-encoding": "gzip", "range": "bytes=0-9"})
    assert (part.status_code, len(body_of(part))) == (206, 10)


def test_file_that_is_not_there_is_no_page(client):
    assert client.get(f"/static/{release()}/portal/no-such.css").status_code == 404
