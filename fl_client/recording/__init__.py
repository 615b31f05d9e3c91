"""From scored frames to events, each with a clip from five seconds before it to five seconds after."""
