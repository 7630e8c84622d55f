"""FHIR search over AuditEvents (IHE ITI-81; FHIR R4 and R5, Search): the half that reads nothing.

    parameters  a query string's pairs to a Search (criteria: what it asks for; values: their forms)
    lookups     what the reader of the index needs: time window, patients, agents, event ids
    match       whether an opened event fulfils a Search, exactly
    cursor      how a reader goes on where a page ended
    links       the query strings of the links self and next
    resource    the AuditEvent that is shown of a record: the sender's bytes, or one represented
    bundle      the searchset Bundle that answers

Pure: no AWS, no clock, no environment, no log.
"""
