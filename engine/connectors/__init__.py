"""The two services over HTTP. `protocol` is what the rest of the engine knows of them."""
