"""Problems that need a person: detected, sent to the owners, closed when they are over."""
