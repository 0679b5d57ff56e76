"""What proves an operator besides the password: codes of an authenticator app, passkeys, and recovery codes in need."""
