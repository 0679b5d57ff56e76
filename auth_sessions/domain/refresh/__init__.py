"""Refreshing grants: claim, mark as being sent, send with no lock and no transaction, spool, commit by generation.

A refresh token works once. It is therefore submitted once, by the refresher alone. When the outcome stays unknown, the old
access token is served, which the platform keeps valid until its own end; once that is over and nothing is left to lose,
flagged probes find out, with growing pauses, until the platform answers with a code or the refresh token's life ends.

``claim`` claims grants, ``submission`` sends, ``outcomes`` judges the answer, ``spool`` keeps it until ``commit`` has
stored it, ``gate`` limits the rate of an app and pauses it, ``recovery`` settles what a dead refresher left. ``refresher``
is one pass over all of this, and ``loop`` runs the passes of a process.
"""
