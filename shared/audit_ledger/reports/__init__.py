"""Accounts and reports of opened events, and their renderings. Pure: no clock, no network.

`accounting`: what HIPAA owes a patient; `patient_view`: who accessed my record; `privacy`: what a
privacy team asks. Each gives a `Document`, which `rendering` writes as JSON or CSV, `html` as HTML.
"""
