"""The browser road."""

from django.urls import path

from auth_sessions import views

app_name = "oauth"

urlpatterns = [
    path("start/<str:token>/", views.start, name="start"),
    path("callback/<str:app_id>/", views.callback, name="callback"),
]
