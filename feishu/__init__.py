"""The platform's language: what Feishu and Lark say on the wire, and how to answer.

Knows no Django. The core is pure (bytes and values in, bytes and values out); `transport`, `relay` and
`long_connection.connection` are thin shells around it that do the talking.
"""
