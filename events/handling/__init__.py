"""From a stored event to its handlers: dispatch, scheduling, claims, execution, completion."""
