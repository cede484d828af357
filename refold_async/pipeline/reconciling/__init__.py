"""What to do about writes that may have run: find out whether they did, and send once more those that did not."""
