"""The browser road, and the page of a person's own."""

from django.urls import path

from auth_sessions import self_service_pages, views

app_name = "oauth"

urlpatterns = [
    path("start/<slug:token>/", views.start, name="start"),
    path("callback/<slug:app_id>/", views.callback, name="callback"),
    path("my/", self_service_pages.mine, name="mine"),
    path("my/revoke/", self_service_pages.revoke_mine, name="revoke-mine"),
    path("my/<slug:token>/", self_service_pages.open_mine, name="open-mine"),
]
