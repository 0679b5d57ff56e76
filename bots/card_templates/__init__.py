"""Cards that operators save, with variables that senders fill in."""
