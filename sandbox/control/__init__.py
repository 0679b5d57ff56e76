"""`/sandbox/api/`: what steers the stand-in. JSON, no authentication: a tool for the own machine.

Bodies need `Content-Type: application/json`, and pages of other sites are refused.

    GET    overview, apps, people[?app_id=]                 who there is; no secrets
    GET    apps/{app_id}                                    one app, its secrets included
    PUT    apps/{app_id}[?verify=false]                     create an app or change fields of it (AppConfig)
    DELETE apps/{app_id}
    POST   people                                           create or replace a person (PersonConfig)
    GET, POST groups                                        {name, people, apps}
    POST   hooks                                            {chat_id, name, secret, keywords}: a custom bot of a group
    GET, PUT, DELETE answers                                {method, path, status, body | text, headers, tokens, scopes}
    GET    misses                                           APIs that were called and are not imitated
    POST   say, edit, recall, enter, read, react, click, menu what people do in the client
    POST   merge_forward                                    {person, message_ids}: messages that a person forwards together
    POST   members                                          people and bots join a group, or leave it
    POST   clicks                                           {clicks}: many in the same moment
    GET    messages?chat_id= | person=&app_id=
    POST   push                                             synthetic events, as many and as broken as wanted
    POST   flood                                            thousands of events a second, each timed
    GET    templates?app_id=&person=                        events to push by hand
    GET    books[?app_id=&after=&limit=&events=false]       every push, connection and refresh token
    GET    calls[?app_id=&limit=]                           the log, newest first, secrets masked
    GET, PUT, DELETE faults[?app_id=]                       what is broken from now on
    GET, POST switches                                      faults by name, one at a time: {path, choice, app_id}
    POST   disturb                                          what happens once to open connections
    PUT    settings                                         {speed, rate_limits, rate_scale, ack_deadline}
    POST   expire, revoke                                   tokens end
    POST   authorize, device, grants                        consent without a browser
    POST   register                                         what a person does on the page of an app registration
    POST   reset                                            as it was at the start

`openapi.json` is the same as an OpenAPI document. The bodies are the structs in these modules. Errors are `{"error": "…"}`
with 400, 404, 409 or 422.
"""
