"""The way in: parse, store, commit, acknowledge."""
