"""What agents and their people see of OAuth: metadata and endpoints for programs, the consent page for people."""
