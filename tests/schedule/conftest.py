from tests.sync.conftest import cluster, make

__all__ = ["cluster", "make"]
