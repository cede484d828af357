"""The endpoints of the mock: functions from a `Call` to a `Reply`."""
