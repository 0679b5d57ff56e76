"""The page *Connect an agent*: what to set in which program, and whether it works."""
