"""The words of the product as frozen data; nothing here reads, writes or waits."""
