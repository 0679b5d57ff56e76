"""Long connections: slots, leases, and the fleet that keeps every bot connected."""
