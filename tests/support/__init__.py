"""Servers, clocks, programs and other things that the tests of several packages share."""
