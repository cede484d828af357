"""What to do about writes that may have run: look whether they did, and send once more those that did not."""
