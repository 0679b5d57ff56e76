"""``POST /api/v1/bots/<id>/messages/stream``: a reply that grows while it is received."""
