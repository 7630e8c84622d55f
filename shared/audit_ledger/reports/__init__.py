"""Reports on opened events, and their renderings. Pure: no clock, no network.

`accounting`: the disclosures of a record, as HIPAA requires; `patient_view`: who accessed my
record; `privacy`: the report for a privacy team. Each returns a `Document`, which `rendering`
writes as JSON or CSV, and `html` as HTML.
"""
