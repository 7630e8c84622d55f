"""FHIR search over AuditEvents (IHE ITI-81; FHIR R4 and R5, Search): the half that reads nothing.

    parameters                  a query string's pairs to a Search (criteria; values: their forms)
    query_plan                  what the reader of the index needs: times, persons, event ids
    match                       whether an opened event fulfils a Search, exactly
    cursor                      how a reader continues where a page ended
    links                       the query strings of the links self and next
    resource_view               the AuditEvent shown of a record: as sent, converted or made
    cloudevent_as_audit_event   the one that is made of a CloudEvent
    bundle                      the searchset Bundle that answers

Pure: no AWS, no clock, no environment, no log.
"""
