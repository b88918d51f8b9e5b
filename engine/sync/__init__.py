"""One job: read pages, look up couplings, decide, write, settle what is unknown, commit."""
