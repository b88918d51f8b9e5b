"""Questions and details over a screen. A dialog returns a value; the screen that asked acts upon it."""
