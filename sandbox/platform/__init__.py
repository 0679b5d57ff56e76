"""The platform's own routes, as its documentation and the official SDK know them, and nothing beyond."""
