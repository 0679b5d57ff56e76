"""Agents that people connect themselves: the portal is an OAuth 2.1 authorization server for its own MCP endpoint.

An agent registers itself, sends its person here, the person signs in at the platform and consents once, and the agent gets
tokens by which it acts as that person with one bot, under the rules that an operator chose. No secret is stored, only digests.
"""
