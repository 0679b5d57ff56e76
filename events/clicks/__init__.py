"""Card clicks and other callbacks: answered in time, their cards put in place."""
