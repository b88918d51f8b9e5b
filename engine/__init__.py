"""The engine: everything that Coupler does, reachable without a screen."""
