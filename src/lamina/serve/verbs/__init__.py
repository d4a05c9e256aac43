"""What a server does when it is asked: one file for each kind of verb."""
