"""What makes a bundle of a service, locks, installs and ships it."""
