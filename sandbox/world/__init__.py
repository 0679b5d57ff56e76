"""The state of the sandbox, in memory: nouns and the rules that hold for them, no HTTP."""
