"""What both servers know of OData: types, filters, query options, error bodies."""
