"""Refreshing grants: claim, mark as being sent, send with no lock and no transaction, spool, commit by generation.

A refresh token works once. It is therefore submitted once, by the refresher alone; when the outcome stays unknown, one
flagged probe shortly before the access token ends finds out. Until then the old access token is served: the platform
keeps it valid until its own end.

``claim`` takes grants, ``submission`` sends and ``outcomes`` judges what came back, ``spool`` keeps an answer until
``commit`` has stored it, ``gate`` holds back an app, ``recovery`` puts right what a dead refresher left, and
``refresher`` is one pass over all of it and ``loop`` runs the passes of a process.
"""
