"""What people see: the full-screen program, and the commands that do without it."""
