"""A CRM organization that speaks the Dataverse Web API v9.2."""
