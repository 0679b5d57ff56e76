"""People by name: a directory of those that bots have to do with, filled from what the platform says of them."""
