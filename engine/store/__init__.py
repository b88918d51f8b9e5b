"""Everything durable: SQLAlchemy Core tables, migrations, and the few functions that read and write them."""
