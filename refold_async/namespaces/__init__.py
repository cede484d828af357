"""The calls beside the four, in groups: `account.workflows`, `refold.linked_accounts` and so on.

A module holds one group: what Refold answers, the endpoints, and the calls, each of which makes a `Call` of an
endpoint and hands it on with the reader of its answer.
"""
