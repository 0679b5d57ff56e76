"""User tokens: who may use them, for what, and the record of each use."""
