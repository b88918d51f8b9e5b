"""What goes wrong between a server and its clients: kinds of faults, and how often they happen."""
