"""Consent in the browser, and the page on which people see what they allowed."""

from django.urls import path

from auth_sessions.pages import consent, self_service

app_name = "oauth"

urlpatterns = [
    path("start/<slug:token>/", consent.start, name="start"),
    path("callback/<slug:app_id>/", consent.callback, name="callback"),
    path("my/", self_service.mine, name="mine"),
    path("my/revoke/", self_service.revoke_mine, name="revoke-mine"),
    path("my/<slug:token>/", self_service.open_mine, name="open-mine"),
]
