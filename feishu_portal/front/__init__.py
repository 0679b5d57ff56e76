"""What every request meets before it has a route: limits of its head and body, health, the host, the scheme."""
