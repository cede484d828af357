"""What tests of several packages share: servers, clocks, programs and the like."""
