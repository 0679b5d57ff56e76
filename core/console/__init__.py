"""How pages of the console are made: base admin, columns, actions, filters, live pages."""
