"""Shots at what anybody reaches: the OAuth of agents, the forms by which operators sign in, the port of metrics."""

import json

from hypothesis import strategies as st

from tests import anything
from tests.fuzz.portal import (
    CSRF,
    FORM_TYPE,
    HEADERS,
    JSON_TYPE,
    Portal,
    extra_headers,
    in_query,
    odd,
    pieces,
    text,
)
from tests.fuzz.shots import Shot

NOTHING = "00000000-0000-4000-8000-000000000000"
OAUTH = "/oauth/agents/"


def agents(portal: Portal) -> st.SearchStrategy[Shot]:
    """Registrations, requests for consent, codes and tokens, each with something changed."""
    usual = {
        "client_id": portal.rows["agent"], "redirect_uri": "https://zulu.example.com/agent", "response_type": "code",
        "code_challenge": "x" * 43, "code_challenge_method": "S256", "state": "own", "resource": f"{portal.url}/mcp",
        "grant_type": "authorization_code", "code": "x" * 43, "code_verifier": "v" * 64, "refresh_token": "fpr_x", "token": "fpa_x",
        "scope": "act",
    }  # fmt: skip
    names = st.sampled_from(sorted(usual))
    kinds = st.sampled_from(["authorization_code", "refresh_token"])
    changes = st.lists(st.tuples(names, odd) | st.tuples(st.just("grant_type"), kinds), max_size=3)
    left_out = st.lists(names, max_size=1)
    fields = st.builds(
        lambda changed, gone: in_query(
            (name, value) for name, value in {**usual, **dict(changed)}.items() if name not in gone
        ),
        changes,
        left_out,
    )
    said = st.sampled_from(
        ["redirect_uris", "client_name", "grant_types", "response_types", "scope", "contacts", "jwks", ""]
    )
    addresses = st.lists(odd, min_size=1, max_size=2).map(json.dumps)
    members = st.tuples(said, anything.values) | st.tuples(st.just("redirect_uris"), addresses)
    registration = anything.objects(members).map(pieces) | anything.payloads
    asking = st.builds(
        lambda query, more: Shot("agents", target=f"{OAUTH}authorize/?{query}", headers=more),
        fields,
        extra_headers,
    )
    posting = st.builds(
        lambda where, form, more: Shot(
            "agents",
            method="POST",
            target=f"{OAUTH}{where}/",
            headers=(FORM_TYPE, *more),
            parts=(text(form.encode()),),
        ),
        st.sampled_from(["token", "token", "revoke"]),
        fields,
        extra_headers,
    )
    registering = st.builds(
        lambda body, more: Shot(
            "agents",
            method="POST",
            target=f"{OAUTH}register/",
            headers=(JSON_TYPE, *more),
            parts=(text(body),),
        ),
        registration,
        extra_headers,
    )
    others = st.builds(
        lambda method, target: Shot("agents", method=method, target=target),
        st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
        st.sampled_from(
            [
                f"{OAUTH}consent/{NOTHING}/", f"{OAUTH}authorize/", f"{OAUTH}token/", f"{OAUTH}register/",
                "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp",
            ]
        ),
    )  # fmt: skip
    return asking | posting | registering | others


def sign_ins(portal: Portal) -> st.SearchStrategy[Shot]:
    """The forms of whoever is not signed in, from a browser that has a token for them."""
    own = (("Cookie", f"{portal.rows['csrf_cookie']}={CSRF}"), ("X-CSRFToken", CSRF))
    names = ("username", "password", "next", "code", "credential", "purpose")
    usual = st.sampled_from(
        [
            ("username", "fuzz"), ("username", "zulu-owner"), ("password", "correct horse"), ("code", "000000"), ("next", "/admin/"),
            ("purpose", "second_step"), ("purpose", "sign_in"),
        ]
    )  # fmt: skip
    credentials = anything.objects(
        st.tuples(
            st.sampled_from(["id", "rawId", "type", "response", "clientExtensionResults"]), anything.values
        )
    )
    values = (
        usual
        | st.tuples(st.sampled_from(names), odd)
        | st.tuples(st.just("credential"), credentials | anything.values)
    )
    forms = st.lists(values, max_size=4).map(in_query)
    return st.builds(
        lambda method, where, form, more: Shot(
            "sign_ins",
            method=method,
            target=f"/admin/login/{where}",
            headers=(*own, FORM_TYPE, *more),
            parts=(text(form.encode()),) if method == "POST" else (),
        ),
        st.sampled_from(["POST"] * 6 + ["GET"]),
        st.sampled_from(["", "", "second-step/", "passkey/options/", "passkey/", "feishu/"]),
        forms,
        extra_headers,
    )


def metrics(portal: Portal) -> st.SearchStrategy[Shot]:
    """Requests of HTTP and what only looks like one, byte for byte."""
    paths = st.sampled_from(["/metrics", "/healthz/live", "/healthz/ready", "/", "*", "http://[", "//"]) | odd
    lines = st.builds(
        "{} {} {}".format,
        st.sampled_from(["GET"] * 6 + ["HEAD", "POST", "get", "", "\x00", "G" * 70_000]),
        paths,
        st.sampled_from(
            ["HTTP/1.1"] * 6 + ["HTTP/1.0", "HTTP/0.9", "HTTP/9.9", "HTTP/1.1.1", "HTTP/-1", "", "x"]
        ),
    )
    fields = st.lists(st.sampled_from(HEADERS).map(": ".join), max_size=3) | st.sampled_from(
        [["x"], [" folded"], [":"], ["a: b"] * 200, ["a: " + "b" * 70_000]]
    )
    whole = st.builds(
        lambda line, more: b"\r\n".join(
            (pieces(line), *(field.encode("latin-1") for field in more), b"", b"")
        ),
        lines,
        fields,
    )
    sent = whole | anything.damaged(whole) | st.binary(max_size=80)
    return st.builds(
        lambda body: Shot("metrics", "raw", target=portal.rows["metrics"], parts=(text(body),)), sent
    )
