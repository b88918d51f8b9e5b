from tests.sync.conftest import make

__all__ = ["make"]
