"""Refreshing grants: claim, mark as being sent, send with no lock and no transaction, spool, commit by generation.

A refresh token works once. It is therefore submitted once, by the refresher alone; when the outcome stays unknown, one
flagged probe shortly before the access token ends finds out. Until then the old access token is served: the platform
keeps it valid until its own end.

``claim`` claims grants, ``submission`` sends, ``outcomes`` judges the answer, ``spool`` keeps it until ``commit`` has
stored it, ``gate`` limits the rate of an app and pauses it, ``recovery`` settles what a dead refresher left. ``refresher``
is one pass over all of this, and ``loop`` runs the passes of a process.
"""
