"""The page that shows which process holds which bot's connections, as it happens."""
