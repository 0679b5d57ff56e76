"""`/sandbox/api/`: what steers the stand-in. JSON, no authentication: a tool for the own machine."""
