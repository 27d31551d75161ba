"""What each role may do, and which calls it sees."""
