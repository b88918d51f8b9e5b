"""What tells those who ask again and again whether anybody wrote to the store."""

from engine.store.database import Store
from engine.store.schema import coupling
from tests.store.tools import couple, new_run, pair, rows


def test_the_stamp_changes_with_each_commit_of_this_process_and_of_another_and_not_with_reads(
    store: Store, url: str
) -> None:
    new_run(store)
    other = Store.open(url)
    try:
        seen = [store.stamp()]
        for number, writer in enumerate((store, other, store), 1):
            couple(writer, pair(number))
            assert store.stamp() not in seen
            seen.append(store.stamp())
            assert len(rows(store, coupling)) == number
            assert store.stamp() == seen[-1]
    finally:
        other.close()
