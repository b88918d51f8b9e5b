"""What a run did, for those who were not there: as a page, as data, as lines of text; and the files that it goes to."""
