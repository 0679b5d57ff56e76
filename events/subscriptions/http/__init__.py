"""What leaves the portal: bodies, signatures, the networks they may go to, and the request itself. No database."""
