"""The tokens of the tests; none may show anywhere but at the platform."""

APP_TOKEN, USER_TOKEN = "t-the-app-token-of-the-tests", "u-the-user-token-of-the-tests"
OTHER_TOKEN = "u-the-next-token-of-the-tests"
APP_SECRET = "the-app-secret-of-the-tests"
SECRETS = (APP_TOKEN, USER_TOKEN, OTHER_TOKEN, APP_SECRET)
