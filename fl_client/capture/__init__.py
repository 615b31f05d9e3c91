"""From a camera, file or folder to pictures; decoding happens in a child process, because bad video can kill it."""
