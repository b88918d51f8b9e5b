"""What a synchronization costs, measured beside others that do the same work; no part of the product.

Everything here sees the engine as an operator does, by its command line and its store.
"""
