"""What `make demo` needs beside the service: a made-up case system, with made-up people in it."""
