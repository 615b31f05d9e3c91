"""From tracked objects to how unusual they are: what the live client and the evaluation share."""
