"""What has to be true before a release."""
