"""The other side, on loopback: a NAV company and a CRM organization to synchronize against."""
