"""Sending to many: whom a list of e-mails, numbers, names and departments means, and a walk over them that outlives workers."""
