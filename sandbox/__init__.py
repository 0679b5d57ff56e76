"""A stand-in for the Feishu/Lark platform, for trying and testing the portal without a tenant.

The platform's own routes behave as the public documentation and the official SDK say and offer nothing that a
real platform lacks; everything that steers the stand-in lives under `/sandbox/`.
"""
