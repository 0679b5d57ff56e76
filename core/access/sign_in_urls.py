"""What follows the sign-in page, for whoever is not signed in yet."""

from django.urls import path

from core.access.pages import passkeys, second_step

urlpatterns = [
    path("second-step/", second_step.second_step, name="second-step"),
    path("passkey/options/", passkeys.sign_in_options, name="passkey-options"),
    path("passkey/", passkeys.sign_in_with_passkey, name="passkey-sign-in"),
]
