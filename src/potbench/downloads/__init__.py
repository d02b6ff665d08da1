"""Files from elsewhere: fetched, verified, unpacked."""
