"""What production teaches: taken out of audit logs, decided on, and given to the next build."""
