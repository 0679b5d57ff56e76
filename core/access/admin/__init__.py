"""The ground floor's part of the console, and what every app's part is built of.

``base`` has the model admins, ``columns`` the looks of values, ``fields``, ``filters``, ``paging`` and ``actions`` what
their names say. Apps above import from these modules; importing the package registers this app's own models.
"""

from core.access.admin import accounts, api_clients, audit_log

__all__ = ["accounts", "api_clients", "audit_log"]
