"""Problems that need a person: detected, told to the owners, closed when they are over."""
