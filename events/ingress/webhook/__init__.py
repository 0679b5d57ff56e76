"""Events and callbacks by HTTP: POST /api/feishu/webhook/<app_id>."""
