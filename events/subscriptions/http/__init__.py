"""The HTTP side of pushing: signatures, the networks that deliveries may go to, and the request. No database."""
