"""``POST /mcp``: the Model Context Protocol, for agents that act as a person or as a bot.

A request stands alone: there is no session to keep, so any web process answers any request, and an agent that is not asking
anything costs nothing. Whatever a tool does goes by the REST API or the proxy, with the agent's own key.
"""
