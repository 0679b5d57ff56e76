"""What people see: the Feishu-like client, the consent page, the device page."""
