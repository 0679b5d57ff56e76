"""From the platform to the app: envelopes, long connection, webhook, retries, card callbacks."""
