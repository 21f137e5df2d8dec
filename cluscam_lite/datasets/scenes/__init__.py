"""Icon scenes: drawn images whose objects, boxes and masks are known."""
