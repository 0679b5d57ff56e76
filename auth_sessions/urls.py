"""The browser road."""

from django.urls import path

from auth_sessions import views

app_name = "oauth"

urlpatterns = [
    path("start/<slug:token>/", views.start, name="start"),
    path("callback/<slug:app_id>/", views.callback, name="callback"),
]
