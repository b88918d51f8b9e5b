"""A NAV company that speaks OData V4 page services."""
