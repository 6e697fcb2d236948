"""Files of a new study, as `eventstudy init` writes them."""
