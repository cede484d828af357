"""What Refold answers, as frozen attrs classes: those that errors carry. The others are in `resources`."""
