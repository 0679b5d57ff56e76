"""``ANY /proxy/<app_id>/app/open-apis/…`` and ``ANY /proxy/<app_id>/users/<open_id>/open-apis/…``: calls to the platform
with the bot's or a user's access token, which the caller never sees. An ASGI application that streams both ways."""
