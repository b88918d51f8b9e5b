"""Taking back what a run did: look at everything first, then write values back, then remove what it created."""
