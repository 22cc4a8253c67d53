"""Resources that Truto's API creates, reads, updates and deletes."""
