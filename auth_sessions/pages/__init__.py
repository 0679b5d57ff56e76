"""Pages for the people who authorize: the consent in the browser, and what each of them allowed."""
