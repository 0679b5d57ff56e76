"""Cards that the bot sends about authorizations. Pure: from rows to card JSON."""
